package invocation_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/edge/invocation"
)

func FuzzCheckJSON(f *testing.F) {
	for _, seed := range []string{"", "{}", "{", "x", "\xff", `"\ud800"`, "01", "1e", "nul", "[1,]", "\u2028", "{\n\t\"a\": é}", "$_9", strings.Repeat("[", 10001)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		err := invocation.CheckJSON(payload)
		if json.Valid(payload) != (err == nil) {
			t.Fatalf("valid: %t, error: %v", json.Valid(payload), err)
		}
		if err == nil {
			return
		}
		if !errors.Is(err, hearth.ErrInvalidContent) || !strings.HasPrefix(err.Error(), "Could not parse request body into json: ") {
			t.Errorf("got %v", err)
		}
		if utf8.Valid(payload) && !utf8.ValidString(err.Error()) {
			t.Errorf("%q is not UTF-8", err)
		}
	})
}
