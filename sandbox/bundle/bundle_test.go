package bundle_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/sandbox/bundle"
)

const (
	textUnzip = "Could not unzip uploaded file. Please check your file, then try to upload again."
	textSize  = "Unzipped size must be smaller than 262144000 bytes"
)

// item is an entry of an archive to be. A mode of 0 makes one as on Windows.
type item struct {
	name string
	mode fs.FileMode
	text string
}

func archive(t testing.TB, items ...item) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, i := range items {
		h := &zip.FileHeader{Name: i.name, Method: zip.Deflate, Modified: time.Date(2020, 2, 3, 4, 5, 6, 0, time.UTC)}
		if i.text == "" {
			h.Method = zip.Store // a compressor each would make many entries slow
		}
		if i.mode != 0 {
			h.SetMode(i.mode)
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(f, i.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

func verify(content []byte) (int64, error) {
	return bundle.Verify(context.Background(), bytes.NewReader(content), int64(len(content)))
}

// refused checks that an archive is refused in AWS's words.
func refused(t *testing.T, err error, text string) {
	t.Helper()
	var told *hearth.Error
	if !errors.As(err, &told) || !errors.Is(err, hearth.ErrInvalid) || told.Message != text {
		t.Errorf("got error %v, want %q", err, text)
	}
}

const link = fs.ModeSymlink | 0o777

func TestVerify_Hostile_Refused(t *testing.T) {
	long := strings.Repeat("a", 256)
	for name, items := range map[string][]item{
		"parent":            {{"../x", 0o644, ""}},
		"inner parent":      {{"a/../../x", 0o644, ""}},
		"inner parent kept": {{"a/../x", 0o644, ""}},
		"absolute":          {{"/etc/passwd", 0o644, ""}},
		"backslash":         {{`..\x`, 0o644, ""}},
		"drive":             {{`C:x`, 0o644, ""}},
		"NUL":               {{"a\x00b", 0o644, ""}},
		"bad UTF-8":         {{"a\xffb", 0o644, ""}},
		"long part":         {{long, 0o644, ""}},
		"long name":         {{strings.Repeat("abc/", 1000), 0o755, ""}},
		"link to root":      {{"l", link, "/etc"}},
		"link out":          {{"l", link, "../x"}},
		"link out deep":     {{"a/b/l", link, "../../../x"}},
		"link chain out":    {{"a/up", link, ".."}, {"l", link, "a/up/../x"}},
		"link loop":         {{"a", link, "b"}, {"b", link, "a"}},
		"link backslash":    {{"l", link, `..\x`}},
		"link empty":        {{"l", link, ""}},
		"link long":         {{"l", link, strings.Repeat("a/", 1000)}},
		"write through":     {{"l", link, "d"}, {"d/", fs.ModeDir | 0o755, ""}, {"l/x", 0o644, "x"}},
		"file as directory": {{"f", 0o644, ""}, {"f/x", 0o644, ""}},
		"twice":             {{"f", 0o644, "1"}, {"f", 0o644, "2"}},
		"twice, unclean":    {{"d/f", 0o644, "1"}, {"d//f", 0o644, "2"}},
		"file and link":     {{"f", 0o644, "1"}, {"f", link, "d"}},
		"device":            {{"dev", fs.ModeDevice | 0o644, ""}},
		"pipe":              {{"pipe", fs.ModeNamedPipe | 0o644, ""}},
		"socket":            {{"sock", fs.ModeSocket | 0o644, ""}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := verify(archive(t, items...))
			refused(t, err, textUnzip)
		})
	}
}

func TestVerify_NotAZip_Refused(t *testing.T) {
	for _, content := range []string{"", "PK", strings.Repeat("no zip", 100)} {
		_, err := verify([]byte(content))
		refused(t, err, textUnzip)
	}
}

func TestVerify_DamagedContent_Refused(t *testing.T) {
	content := archive(t, item{"f", 0o644, strings.Repeat("some text ", 100)})
	content[40] ^= 0xff
	_, err := verify(content)
	refused(t, err, textUnzip)
}

func TestVerify_Good_CountsBytes(t *testing.T) {
	n, err := verify(archive(t, item{"d/", fs.ModeDir | 0o755, ""}, item{"d/f", 0o644, "four"}, item{"g", 0o755, "sixsix"}, item{"l", link, "d/f"}))
	if err != nil || n != 10 {
		t.Errorf("got %d, %v, want 10", n, err)
	}
}

// bomb is an archive whose only file has n zero bytes. Compressing that many
// would take longer than the test: one compressed block is repeated.
func bomb(t *testing.T, n int64) []byte {
	t.Helper()
	const size = 1 << 20
	zeros := make([]byte, size)
	deflate := func(b []byte, last bool) []byte {
		var out bytes.Buffer
		w, err := flate.NewWriter(&out, flate.BestCompression)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(b); err != nil {
			t.Fatal(err)
		}
		if last {
			w.Close()
		} else {
			w.Flush() // ends at a byte, so that another block can follow
		}
		return out.Bytes()
	}
	stream := bytes.Repeat(deflate(zeros, false), int(n/size))
	stream = append(stream, deflate(zeros[:n%size], true)...)
	sum := uint32(0)
	for left := n; left > 0; left -= size {
		sum = crc32.Update(sum, crc32.IEEETable, zeros[:min(left, size)])
	}
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.CreateRaw(&zip.FileHeader{
		Name: "zeros", Method: zip.Deflate, CRC32: sum,
		CompressedSize64: uint64(len(stream)), UncompressedSize64: uint64(n),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(stream); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// understate makes the directory of a bomb say that its file has one byte.
func understate(t *testing.T, content []byte) []byte {
	t.Helper()
	central := bytes.LastIndex(content, []byte("PK\x01\x02"))
	if central < 0 {
		t.Fatal("no central directory")
	}
	content = bytes.Clone(content)
	binary.LittleEndian.PutUint32(content[central+24:], 1)
	return content
}

func TestVerify_SizeLimit_IsExact(t *testing.T) {
	fits := bomb(t, bundle.MaxUnzipped)
	if n, err := verify(fits); err != nil || n != bundle.MaxUnzipped {
		t.Errorf("at the limit: %d, %v", n, err)
	}
	_, err := verify(bomb(t, bundle.MaxUnzipped+1))
	refused(t, err, textSize)
}

func TestVerify_BombThatLies_Refused(t *testing.T) {
	if _, err := verify(understate(t, bomb(t, 300<<20))); !errors.Is(err, hearth.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

// Two entries of the directory name the same bytes of the archive.
func TestVerify_OverlappingEntries_Refused(t *testing.T) {
	content := archive(t, item{"a", 0o644, "first"}, item{"b", 0o644, "second"})
	first := bytes.Index(content, []byte("PK\x01\x02"))
	second := bytes.LastIndex(content, []byte("PK\x01\x02"))
	const offset = 42 // of the local header, in a directory entry
	copy(content[second+offset:second+offset+4], content[first+offset:first+offset+4])
	_, err := verify(content)
	refused(t, err, textUnzip)
}

func TestVerify_TooManyEntries_Refused(t *testing.T) {
	items := make([]item, bundle.MaxEntries+1)
	for i := range items {
		items[i] = item{name: "f" + hex.EncodeToString([]byte{byte(i >> 16), byte(i >> 8), byte(i)}), mode: 0o644}
	}
	_, err := verify(archive(t, items...))
	refused(t, err, textUnzip)
}

// contents maps the files below a directory to mode and text.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	got := make(map[string]string)
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, name)
		info, err := d.Info()
		if err != nil {
			return err
		}
		switch {
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(name)
			got[rel] = "link " + target
			return err
		case d.IsDir():
			got[rel] = info.Mode().String()
		default:
			text, err := os.ReadFile(name)
			got[rel] = info.Mode().String() + " " + string(text)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func compare(t *testing.T, want, got map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}
