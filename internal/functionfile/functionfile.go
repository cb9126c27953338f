// Package functionfile reads function.json, the description of a function that
// lies beside its code. Its members are those of AWS's CreateFunction, so that
// the same file serves `aws lambda create-function --cli-input-json`; where the
// code comes from is not part of it.
package functionfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// Name is the name of the file in a function's directory.
const Name = "function.json"

// maxSize bounds the file, in bytes. Environment variables are its largest
// part, and Lambda allows 4 KB of them.
const maxSize = 1 << 20

// File describes a function. Members that were not given are zero.
type File struct {
	FunctionName  string   `json:",omitzero"`
	Role          string   `json:",omitzero"` // IAM role ARN
	Architectures []string `json:",omitzero"` // x86_64 or arm64
	Settings
}

// Settings are the members that can be changed after a function was created:
// those of UpdateFunctionConfiguration.
type Settings struct {
	Description      string            `json:",omitzero"`
	Runtime          string            `json:",omitzero"` // e.g. python3.13
	Handler          string            `json:",omitzero"`
	Timeout          int               `json:",omitzero"` // seconds
	MemorySize       int               `json:",omitzero"` // MB
	EphemeralStorage *EphemeralStorage `json:",omitzero"`
	Environment      *Environment      `json:",omitzero"`
	Layers           []string          `json:",omitzero"` // ARNs of layer versions, merged in this order
}

// EphemeralStorage is the size of /tmp.
type EphemeralStorage struct {
	Size int // MB
}

// Environment holds environment variables.
type Environment struct {
	Variables map[string]string
}

// Assign adds KEY=VALUE assignments to the variables, and returns an error for one
// that is not of this form.
func (e *Environment) Assign(assignments []string) error {
	for _, assignment := range assignments {
		key, value, ok := strings.Cut(assignment, "=")
		if !ok || key == "" {
			return fmt.Errorf("%q is not KEY=VALUE", assignment)
		}
		if e.Variables == nil {
			e.Variables = map[string]string{}
		}
		e.Variables[key] = value
	}
	return nil
}

// Load reads function.json from the root of fsys. A missing file is an error
// that wraps fs.ErrNotExist; a member that is not known is an error too, since
// it would otherwise be ignored in silence.
func Load(fsys fs.FS) (File, error) {
	f, err := fsys.Open(Name)
	if err != nil {
		return File{}, fmt.Errorf("open %s: %w", Name, err)
	}
	defer f.Close()
	decoder := json.NewDecoder(io.LimitReader(f, maxSize))
	decoder.DisallowUnknownFields()
	var file File
	if err := decoder.Decode(&file); err != nil {
		return File{}, fmt.Errorf("read %s: %w", Name, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return File{}, fmt.Errorf("read %s: more than one JSON value", Name)
	}
	return file, nil
}
