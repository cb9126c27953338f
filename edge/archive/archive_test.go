package archive_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/archive"
)

// fixture is an intake with what it stores to and reads from.
type fixture struct {
	*testing.T
	intake  *archive.Intake
	stored  map[string]string
	held    int
	objects map[hearth.S3Object]string
	check   error
	dir     string
}

func open(t *testing.T) *fixture {
	f := &fixture{T: t, stored: map[string]string{}, objects: map[hearth.S3Object]string{}, dir: t.TempDir()}
	f.intake = archive.New(archive.Options{Store: f, Checker: f, Objects: f, Dir: f.dir})
	return f
}

func (f *fixture) PutCode(_ context.Context, digest string, r io.Reader) (func(), error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	f.stored[digest] = string(data)
	f.held++
	return func() { f.held-- }, nil
}

func (f *fixture) CheckArchive(_ context.Context, _ io.ReaderAt, size int64) (int64, error) {
	return 10 * size, f.check
}

func (f *fixture) Open(_ context.Context, o hearth.S3Object) (io.ReadCloser, error) {
	content, ok := f.objects[o]
	if !ok {
		return nil, hearth.Errorf(hearth.ErrInvalid, "no such object")
	}
	if content == "endless" {
		return io.NopCloser(endless{}), nil
	}
	return io.NopCloser(strings.NewReader(content)), nil
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

func ptr(s string) *string { return &s }

// abc is the content of the archives here, with its digests.
const (
	abc       = "abc"
	abcHex    = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	abcBase64 = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="
)

// takes expects an archive to be taken in as code.
func (f *fixture) takes(src archive.Source, want hearth.Code) {
	f.Helper()
	code, release, err := f.intake.Take(f.Context(), src)
	if err != nil {
		f.Fatal(err)
	}
	if diff := cmp.Diff(want, code); diff != "" {
		f.Errorf("(-want +got):\n%s", diff)
	}
	if f.stored[code.Digest] != abc || f.held != 1 {
		f.Errorf("stored %v, held %d times", f.stored, f.held)
	}
	if release(); f.held != 0 {
		f.Errorf("held %d times after release", f.held)
	}
}

// refuses expects a source not to be taken, in some words.
func (f *fixture) refuses(src archive.Source, kind error, message string) {
	f.Helper()
	_, _, err := f.intake.Take(f.Context(), src)
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), message) {
		f.Errorf("got %v; want %v with %q", err, kind, message)
	}
	if len(f.stored) > 0 {
		f.Errorf("stored %v", f.stored)
	}
}

func TestTake_Zip(t *testing.T) {
	open(t).takes(archive.Source{Zip: api.NewArchive([]byte(abc))}, hearth.Code{Digest: abcHex, SHA256: abcBase64, Size: 3, Unzipped: 30})
}

func TestTake_Object(t *testing.T) {
	f := open(t)
	f.objects[hearth.S3Object{Bucket: "b", Key: "k"}] = abc
	f.takes(archive.Source{Bucket: ptr("b"), Key: ptr("k")}, hearth.Code{Digest: abcHex, SHA256: abcBase64, Size: 3, Unzipped: 30})
	if left, err := os.ReadDir(f.dir); err != nil || len(left) != 0 {
		t.Errorf("files that stay: %v, %v", left, err)
	}
}

func TestTake_ObjectByReference_IsCopiedAndRemembered(t *testing.T) {
	f := open(t)
	object := hearth.S3Object{Bucket: "b", Key: "k", Version: "v"}
	f.objects[object] = abc
	f.takes(archive.Source{Bucket: ptr("b"), Key: ptr("k"), Version: ptr("v"), StorageMode: ptr("REFERENCE")},
		hearth.Code{Digest: abcHex, SHA256: abcBase64, Size: 3, Unzipped: 30, S3: &object})
}

func TestTake_ObjectThatIsNotThere(t *testing.T) {
	open(t).refuses(archive.Source{Bucket: ptr("b"), Key: ptr("k")}, hearth.ErrInvalid, "no such object")
}

func TestTake_ObjectWithoutEnd(t *testing.T) {
	f := open(t)
	f.objects[hearth.S3Object{Bucket: "b", Key: "k"}] = "endless"
	f.refuses(archive.Source{Bucket: ptr("b"), Key: ptr("k")}, hearth.ErrInvalid, "Unzipped size must be smaller than 262144000 bytes")
}

func TestTake_NoObjectsConfigured_SaysHow(t *testing.T) {
	f := open(t)
	f.intake = archive.New(archive.Options{Store: f, Checker: f})
	f.refuses(archive.Source{Bucket: ptr("b"), Key: ptr("k/e.y")}, hearth.ErrInvalid,
		"hearth has nowhere to read s3://b/k/e.y from. Start it with --s3-endpoint URL or --s3-dir DIR, or send the archive as ZipFile.")
}

func TestTake_SourcesThatMakeNoSense(t *testing.T) {
	f := open(t)
	f.refuses(archive.Source{}, hearth.ErrInvalid, "Please provide a source for function code.")
	f.refuses(archive.Source{Zip: api.NewArchive([]byte(abc)), Bucket: ptr("b")}, hearth.ErrInvalid, "Please do not provide other FunctionCode parameters when providing a ZipFile.")
	f.refuses(archive.Source{Bucket: ptr("b")}, hearth.ErrInvalid, "S3Key")
}

func TestTake_ZipOfItsLimitAtMost(t *testing.T) {
	f := open(t)
	zip := make([]byte, archive.MaxZip+1)
	f.refuses(archive.Source{Zip: api.NewArchive(zip)}, hearth.ErrTooLarge, "Zipped size must be smaller than 52428800 bytes")
	if _, _, err := f.intake.Take(t.Context(), archive.Source{Zip: api.NewArchive(zip[:archive.MaxZip])}); err != nil {
		t.Error(err)
	}
}

func TestTake_ArchiveThatCannotBeUnpacked(t *testing.T) {
	f := open(t)
	f.check = hearth.Errorf(hearth.ErrInvalid, "Could not unzip uploaded file.")
	f.refuses(archive.Source{Zip: api.NewArchive([]byte("x"))}, hearth.ErrInvalid, "Could not unzip")
}

func TestTakeFrom_ReaderThatFails(t *testing.T) {
	f := open(t)
	lost := errors.New("connection lost")
	_, _, err := f.intake.TakeFrom(t.Context(), io.MultiReader(bytes.NewReader([]byte("x")), failing{lost}))
	if !errors.Is(err, lost) || len(f.stored) > 0 {
		t.Errorf("error %v, stored %v", err, f.stored)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestCheckTotal_CodeAndLayersTogether(t *testing.T) {
	code, layers := hearth.Code{Unzipped: archive.MaxUnzipped - 20}, []hearth.Layer{{Unzipped: 10}, {Unzipped: 10}}
	if err := archive.CheckTotal(code, layers); err != nil {
		t.Error(err)
	}
	layers[1].Unzipped++
	if err := archive.CheckTotal(code, layers); !errors.Is(err, hearth.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}
