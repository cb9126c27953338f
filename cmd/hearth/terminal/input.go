package terminal

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/cmd/hearth/exit"
)

// ReadValue returns what a flag's value stands for: itself, usually JSON, the
// content of @FILE, or - for the standard input. It is at most hearth.MaxPayload
// bytes, else an error of the kind hearth.ErrTooLarge. What is in it is the
// receiver's to judge.
func (t *Terminal) ReadValue(flag, value string) ([]byte, error) {
	switch {
	case value == "-":
		return readPayload(flag, t.Stdin)
	case strings.HasPrefix(value, "@"):
		f, err := os.Open(value[1:])
		if err != nil {
			return nil, exit.Usagef("%s: %w", flag, err)
		}
		defer f.Close() // read only
		return readPayload(flag, f)
	default:
		return []byte(value), nil
	}
}

// readPayload reads as much as a daemon accepts of one.
func readPayload(flag string, r io.Reader) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, hearth.MaxPayload+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", flag, err)
	}
	if len(data) > hearth.MaxPayload {
		return nil, hearth.Errorf(hearth.ErrTooLarge, "%s is larger than %d bytes", flag, hearth.MaxPayload)
	}
	return data, nil
}
