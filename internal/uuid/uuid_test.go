package uuid_test

import (
	"errors"
	"regexp"
	"testing"

	"github.com/hearthd/hearth/internal/uuid"
)

var version4 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

func TestNew_AreRandomOfVersion4(t *testing.T)  { wantRandom(t, uuid.New) }
func TestWeak_AreRandomOfVersion4(t *testing.T) { wantRandom(t, uuid.Weak) }

func wantRandom(t *testing.T, make func() string) {
	t.Helper()
	seen := map[string]bool{}
	for range 1000 {
		id := make()
		if !version4.MatchString(id) || seen[id] {
			t.Fatalf("%s is no UUID of version 4, or came before", id)
		}
		seen[id] = true
	}
}

func TestParse_Forms(t *testing.T) {
	const canonical = "0123abcd-0123-0123-0123-0123456789ab"
	for _, text := range []string{canonical, "urn:uuid:" + canonical, "0123ABCD0123012301230123456789ab"} {
		if got, err := uuid.Parse(text); err != nil || got != canonical {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", canonical + "0", canonical[:35], "0123abcd-0123-0123-0123-0123456789ag"} {
		if got, err := uuid.Parse(text); !errors.Is(err, uuid.ErrInvalid) {
			t.Errorf("%s: %s, %v", text, got, err)
		}
	}
}
