package deploy

import (
	"archive/zip"
	"bytes"
	"path"
	"strings"
)

// bootstrapWarning says of the archive of a function that brings its own runtime that
// the function will not start, because its bootstrap may not be executed; empty when
// nothing is wrong. AWS, too, takes such a function and has every invocation fail.
func bootstrapWarning(runtime string, archive []byte) string {
	if !strings.HasPrefix(runtime, "provided") {
		return ""
	}
	files, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return "" // which the daemon has said
	}
	for _, f := range files.File {
		if mode := f.Mode(); path.Clean(f.Name) == "bootstrap" && mode.IsRegular() && mode.Perm()&0o111 == 0 {
			return "bootstrap is not executable, and the function will not start: chmod +x bootstrap, and deploy it again"
		}
	}
	return ""
}
