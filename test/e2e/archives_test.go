package e2e_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"testing"
)

// zipEntry is a file of an archive, compressed.
type zipEntry struct {
	zip.FileHeader
	content []byte
}

func entry(name string, mode fs.FileMode, content string) zipEntry {
	e := zipEntry{zip.FileHeader{Name: name, Method: zip.Store, CRC32: crc32.ChecksumIEEE([]byte(content)),
		UncompressedSize64: uint64(len(content)), CompressedSize64: uint64(len(content))}, []byte(content)}
	e.SetMode(mode)
	return e
}

// bomb is a file of zeros, megabytes of them from a kilobyte each. One of them
// is compressed and repeated: all together would take a race detector minutes.
func bomb(name string, megabytes int) zipEntry {
	zeros := make([]byte, 1<<20)
	var piece bytes.Buffer
	w, err := flate.NewWriter(&piece, flate.BestCompression)
	if err != nil {
		panic(err) // the level is valid
	}
	_, _ = w.Write(zeros) // a bytes.Buffer takes everything
	_ = w.Flush()
	sum := crc32.NewIEEE()
	for range megabytes {
		_, _ = sum.Write(zeros)
	}
	content := append(bytes.Repeat(piece.Bytes(), megabytes), 0x03, 0x00) // the empty last block
	e := zipEntry{zip.FileHeader{Name: name, Method: zip.Deflate, CRC32: sum.Sum32(),
		UncompressedSize64: uint64(megabytes) << 20, CompressedSize64: uint64(len(content))}, content}
	e.SetMode(0o644)
	return e
}

// understated says that a file is small.
func understated(e zipEntry) zipEntry {
	e.UncompressedSize64 = 100
	return e
}

// archive builds a ZIP archive of entries that may be anything.
func archive(t *testing.T, entries ...zipEntry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		raw, err := w.CreateRaw(&e.FileHeader)
		if err == nil {
			_, err = io.Copy(raw, bytes.NewReader(e.content))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestArchive_BombIsValid(t *testing.T) {
	t.Parallel()
	content := archive(t, bomb("zeros", 2))
	r, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := r.Open("zeros")
	if err != nil {
		t.Fatal(err)
	}
	// The reader compares the checksum at the end.
	if n, err := io.Copy(io.Discard, f); n != 2<<20 || err != nil {
		t.Errorf("it unpacks to %d bytes, %v: the tests with bombs would show nothing", n, err)
	}
}

func TestCreateFunction_HostileArchives(t *testing.T) {
	t.Parallel()
	d := shared(t)
	good := files{"app.py": "def handler(e, c):\n    return 1\n"}.zip(t)
	broken := bytes.Clone(good)
	broken[40] ^= 0xff // in the compressed file
	const notUnzipped = "Could not unzip uploaded file. Please check your file, then try to upload again."
	const tooLarge = "Unzipped size must be smaller than 262144000 bytes"
	for _, test := range []struct {
		name    string
		archive []byte
		message string
	}{
		{"not-a-zip", []byte("not a zip"), notUnzipped},
		{"half", good[:len(good)/2], notUnzipped},
		{"damaged", broken, notUnzipped},
		{"traversal", archive(t, entry("../../../../tmp/e2e-traversal", 0o644, "x")), notUnzipped},
		{"absolute", archive(t, entry("/tmp/e2e-absolute", 0o644, "x")), notUnzipped},
		{"symlink-out", archive(t, entry("out", 0o777|fs.ModeSymlink, "../../../../etc")), notUnzipped},
		{"through-symlink", archive(t, entry("out", 0o777|fs.ModeSymlink, "/tmp"), entry("out/e2e-through", 0o644, "x")), notUnzipped},
		{"device", archive(t, entry("null", 0o666|fs.ModeDevice|fs.ModeCharDevice, "")), notUnzipped},
		{"bomb", archive(t, bomb("zeros", 300)), tooLarge},
		{"bomb-that-lies", archive(t, understated(bomb("zeros", 300))), notUnzipped},
		{"many-bombs", archive(t, bomb("a", 130), bomb("b", 130)), tooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := d.client().CreateFunction(ctxFor(t), createInput(testName(t), "provided.al2023", "x", test.archive))
			answer := apiError(t, err)
			if answer.ErrorCode() != "InvalidParameterValueException" || answer.ErrorMessage() != test.message {
				t.Errorf("got %v, want InvalidParameterValueException: %s", answer, test.message)
			}
		})
	}
	for _, path := range []string{"/tmp/e2e-traversal", "/tmp/e2e-absolute", "/tmp/e2e-through"} {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s was written (%v)", path, err)
		}
	}
}

func TestCreateFunction_ArchiveTooLarge(t *testing.T) {
	t.Parallel()
	noise := make([]byte, 50<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // never fails
	in := createInput(testName(t), "provided.al2023", "x", archive(t, entry("noise", 0o644, string(noise))))
	_, err := shared(t).client().CreateFunction(ctxFor(t), in)
	answer := apiError(t, err)
	if answer.ErrorCode() != "RequestEntityTooLargeException" || answer.ErrorMessage() != "Zipped size must be smaller than 52428800 bytes" {
		t.Errorf("got %.500s, want RequestEntityTooLargeException: Zipped size must be smaller than 52428800 bytes", answer)
	}
}
