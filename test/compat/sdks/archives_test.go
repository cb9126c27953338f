package sdks_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"

	"github.com/hearthd/hearth/test/deployment"
)

// writeArchives makes the code and the layer of the function: first.zip and
// second.zip differ in what the function calls its release. Clients print the
// digests, which depend on the contents alone.
func writeArchives(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	first, err := os.ReadFile("testdata/function/app.py")
	if err != nil {
		return err
	}
	second := bytes.Replace(first, []byte("RELEASE = 1"), []byte("RELEASE = 2"), 1)
	if bytes.Equal(first, second) {
		return errors.New("testdata/function/app.py has no RELEASE = 1")
	}
	for name, files := range map[string]map[string][]byte{
		"first.zip":  {"app.py": first},
		"second.zip": {"app.py": second},
		"layer.zip":  {"word": []byte("from a layer")},
	} {
		archive, err := deployment.Zip(files)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), archive, 0o644)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
