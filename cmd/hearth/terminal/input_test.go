package terminal_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/terminal"
)

func TestReadValue_FromWhereItSays(t *testing.T) {
	file := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(file, []byte("from a file"), 0o600); err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]string{`{"a":1}`: `{"a":1}`, "": "", "-": "from stdin", "@" + file: "from a file"} {
		term := &terminal.Terminal{Stdin: strings.NewReader("from stdin")}
		if got, err := term.ReadValue("--event", value); err != nil || string(got) != want {
			t.Errorf("%q: %q, %v; want %q", value, got, err, want)
		}
	}
}

func TestReadValue_NoFile_IsUsage(t *testing.T) {
	_, err := new(terminal.Terminal).ReadValue("--event", "@/does/not/exist")
	if exit.Code(t.Context(), err) != exit.Usage || !strings.HasPrefix(err.Error(), "--event: ") {
		t.Errorf("%v", err)
	}
}

func TestReadValue_Bound(t *testing.T) {
	term := &terminal.Terminal{Stdin: bytes.NewReader(make([]byte, hearth.MaxPayload))}
	if got, err := term.ReadValue("--event", "-"); err != nil || len(got) != hearth.MaxPayload {
		t.Errorf("as much as it may be: %d bytes, %v", len(got), err)
	}
	term.Stdin = bytes.NewReader(make([]byte, hearth.MaxPayload+1))
	if _, err := term.ReadValue("--event", "-"); !errors.Is(err, hearth.ErrTooLarge) {
		t.Errorf("a byte more: %v", err)
	}
}

func TestPrintLine_EndsOnce(t *testing.T) {
	for text, want := range map[string]string{"": "\n", "a": "a\n", "a\n": "a\n", "a\n\n": "a\n\n"} {
		var out bytes.Buffer
		if err := terminal.PrintLine(&out, []byte(text)); err != nil || out.String() != want {
			t.Errorf("%q: %q, %v; want %q", text, &out, err, want)
		}
	}
}

func TestPrintTable_AlignsColumns(t *testing.T) {
	var out bytes.Buffer
	err := (&terminal.Terminal{Stdout: &out}).PrintTable([]string{"NAME", "N"}, [][]string{{"a long one", "1"}, {"b", "22"}})
	if want := "NAME        N\na long one  1\nb           22\n"; err != nil || out.String() != want {
		t.Errorf("%q, %v; want %q", &out, err, want)
	}
}
