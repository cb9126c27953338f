package single

import (
	"io"
	"path/filepath"
	"testing"

	"github.com/hearthd/hearth"
)

func TestLocalCode_LayersInTheirOrder(t *testing.T) {
	dir := dirWith(t, map[string]string{"f.zip": "code", "one.zip": "one", "two.zip": "two"})
	local := localCode{archive: filepath.Join(dir, "f.zip")}
	fn := &hearth.Function{}
	if err := local.addLayers(t.Context(), fn, []string{filepath.Join(dir, "two.zip"), filepath.Join(dir, "one.zip")}); err != nil {
		t.Fatal(err)
	}
	want := []string{"two", "one", "code"}
	for i, digest := range []string{fn.Layers[0].Digest, fn.Layers[1].Digest, "the function's"} {
		r, err := local.Open(t.Context(), digest)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || string(got) != want[i] {
			t.Errorf("%s: %q, %v, want %q", digest, got, err, want[i])
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}
