package single

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"path/filepath"
	"testing"

	"github.com/hearthd/hearth"
)

func TestReadCode_LayersInTheirOrder(t *testing.T) {
	dir := dirWith(t, map[string]string{"f.zip": "code", "one.zip": "one", "two.zip": "two"})
	fn := &hearth.Function{}
	archives, err := readCode(t.Context(), fn, filepath.Join(dir, "f.zip"), []string{filepath.Join(dir, "two.zip"), filepath.Join(dir, "one.zip")})
	if err != nil {
		t.Fatal(err)
	}
	digests := []string{fn.Code.Digest, fn.Layers[0].Digest, fn.Layers[1].Digest}
	for i, want := range []string{"code", "two", "one"} {
		sum := sha256.Sum256([]byte(want))
		if string(archives[i]) != want || digests[i] != hex.EncodeToString(sum[:]) {
			t.Errorf("archive %d is %q with digest %s, want %q", i, archives[i], digests[i], want)
		}
	}
	if sum := sha256.Sum256([]byte("code")); fn.Code.SHA256 != base64.StdEncoding.EncodeToString(sum[:]) {
		t.Errorf("CodeSha256 is %s", fn.Code.SHA256)
	}
	if fn.Code.Size != 4 || fn.Layers[0].Size != 3 {
		t.Errorf("sizes %d and %d", fn.Code.Size, fn.Layers[0].Size)
	}
}

func TestReadCode_DirectoryHasNoArchive(t *testing.T) {
	fn := &hearth.Function{Code: hearth.Code{Dir: "/some"}}
	if archives, err := readCode(t.Context(), fn, "", nil); err != nil || len(archives) != 0 || fn.Code.Dir != "/some" {
		t.Errorf("%d archives, %+v, %v", len(archives), fn.Code, err)
	}
}
