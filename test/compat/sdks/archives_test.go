package sdks_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
)

// writeArchives makes the code and the layer of the function: first.zip and
// second.zip differ in what the function calls its release.
func writeArchives(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	code, err := os.ReadFile("testdata/function/app.py")
	if err != nil {
		return err
	}
	second := bytes.Replace(code, []byte("RELEASE = 1"), []byte("RELEASE = 2"), 1)
	if bytes.Equal(code, second) {
		return errors.New("testdata/function/app.py has no RELEASE = 1")
	}
	return errors.Join(
		writeArchive(filepath.Join(dir, "first.zip"), "app.py", code),
		writeArchive(filepath.Join(dir, "second.zip"), "app.py", second),
		writeArchive(filepath.Join(dir, "layer.zip"), "word", []byte("from a layer")),
	)
}

// writeArchive writes an archive of one file, stored: its digest, which clients
// print, depends on nothing else.
func writeArchive(path, name string, content []byte) error {
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	entry, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
	if err != nil {
		return err
	}
	if _, err := entry.Write(content); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, archive.Bytes(), 0o644)
}
