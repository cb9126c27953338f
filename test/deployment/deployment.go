// Package deployment packs the code of functions as tests deploy it.
package deployment

import (
	"archive/zip"
	"bytes"
	"fmt"
	"maps"
	"slices"
)

// Zip packs files, all of them executable: contents by their paths. Nothing is
// compressed, which would take longer than all else that is done with the
// programs that tests deploy.
func Zip[T string | []byte](files map[string]T) ([]byte, error) {
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		header := &zip.FileHeader{Name: name, Method: zip.Store}
		header.SetMode(0o755)
		entry, err := w.CreateHeader(header)
		if err == nil {
			_, err = entry.Write([]byte(files[name]))
		}
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", name, err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return archive.Bytes(), nil
}
