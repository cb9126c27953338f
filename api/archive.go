package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io"
	"os"
)

// Archive is a member that holds a code archive. What came with a request is the
// handler's until it returns, and may be in a file by then: it has to be read, not
// kept.
type Archive struct {
	content io.ReaderAt
	size    int64
	sum     [sha256.Size]byte
	file    *os.File // nil: it is in memory
}

// NewArchive returns an archive in memory.
func NewArchive(data []byte) *Archive {
	return &Archive{content: bytes.NewReader(data), size: int64(len(data)), sum: sha256.Sum256(data)}
}

// ReadAt implements io.ReaderAt.
func (a *Archive) ReadAt(p []byte, off int64) (int, error) { return a.content.ReadAt(p, off) }

// Size returns the size in bytes.
func (a *Archive) Size() int64 { return a.size }

// Sum returns the SHA-256.
func (a *Archive) Sum() [sha256.Size]byte { return a.sum }

// UnmarshalJSON reads base64 in a string.
func (a *Archive) UnmarshalJSON(data []byte) error {
	var content []byte
	if err := json.Unmarshal(data, &content); err != nil {
		return err
	}
	*a = *NewArchive(content)
	return nil
}

// MarshalJSON writes base64 in a string.
func (a *Archive) MarshalJSON() ([]byte, error) {
	content, err := io.ReadAll(io.NewSectionReader(a, 0, a.size))
	if err != nil {
		return nil, err
	}
	return json.Marshal(content)
}

// close lets go of the file.
func (a *Archive) close() {
	if a != nil && a.file != nil {
		a.file.Close() // it was for reading, and has no name
	}
}
