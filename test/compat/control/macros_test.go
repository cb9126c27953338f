package control_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

var macro = regexp.MustCompile(`\{\{([^{}]+)\}\}`)

// macros replaces macros in the rows of one file.
type macros struct {
	region, account string
	captured        map[string]string
}

// expand replaces the macros in text; encode is applied to what replaces them.
func (m *macros) expand(text string, encode func(string) string) (string, error) {
	var failed error
	expanded := macro.ReplaceAllStringFunc(text, func(found string) string {
		value, err := m.value(macro.FindStringSubmatch(found)[1])
		if err != nil && failed == nil {
			failed = fmt.Errorf("%s: %w", found, err)
		}
		return encode(value)
	})
	return expanded, failed
}

// expandTarget replaces the macros of a request line.
func (m *macros) expandTarget(target string) (string, error) {
	if strings.HasPrefix(target, "{{") {
		return m.expand(target, asIs)
	}
	return m.expand(target, url.QueryEscape)
}

func asIs(s string) string { return s }

func (m *macros) value(text string) (string, error) {
	name, arg, _ := strings.Cut(text, " ")
	switch name {
	case "region":
		return m.region, nil
	case "account":
		return m.account, nil
	case "arn":
		return "arn:aws:lambda:" + m.region + ":" + m.account, nil
	case "testdata":
		return filepath.Abs("testdata")
	case "python":
		return hostPython()
	case "base64":
		return base64.StdEncoding.EncodeToString([]byte(arg)), nil
	case "repeat":
		what, times, _ := strings.Cut(arg, " ")
		n, err := strconv.Atoi(times)
		return strings.Repeat(what, n), err
	case "zip", "sha256", "size":
		if zeros, ok := strings.CutPrefix(arg, "fresh:"); ok {
			n, err := strconv.Atoi(zeros)
			if err != nil {
				return "", err
			}
			arg = fmt.Sprintf("zeros:%d", n+rand.IntN(n/1000))
		}
		data, err := archives.get(arg)
		if err != nil {
			return "", err
		}
		sum := sha256.Sum256(data)
		return map[string]string{
			"zip":    base64.StdEncoding.EncodeToString(data),
			"sha256": base64.StdEncoding.EncodeToString(sum[:]),
			"size":   strconv.Itoa(len(data)),
		}[name], nil
	}
	value, ok := m.captured[text]
	if !ok {
		return "", fmt.Errorf("no macro, and nothing was captured under this name")
	}
	return value, nil
}

// hostPython is the runtime of this machine's Python.
var hostPython = sync.OnceValues(func() (string, error) {
	out, err := exec.Command("python3", "--version").Output()
	if err != nil {
		return "", fmt.Errorf("the rows need Python: %w", err)
	}
	version := regexp.MustCompile(`3\.\d+`).FindString(string(out))
	return "python" + version, nil
})

// archiveCache makes each archive once: the same bytes for everybody.
type archiveCache struct {
	mu     sync.Mutex
	byName map[string]func() ([]byte, error)
}

var archives = archiveCache{byName: map[string]func() ([]byte, error){}}

func (c *archiveCache) get(name string) ([]byte, error) {
	c.mu.Lock()
	archive := c.byName[name]
	if archive == nil {
		archive = sync.OnceValues(func() ([]byte, error) { return makeArchive(name) })
		c.byName[name] = archive
	}
	c.mu.Unlock()
	return archive()
}

func makeArchive(name string) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	size, zeros := strings.CutPrefix(name, "zeros:")
	var err error
	if zeros {
		err = addZeros(w, size)
	} else {
		err = addDir(w, filepath.Join("testdata", "archives", name))
	}
	if err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// addZeros adds a file of zeros. The race detector makes compressing hundreds
// of megabytes slow, so one piece is compressed, and repeated.
func addZeros(w *zip.Writer, size string) error {
	n, err := strconv.Atoi(size)
	if err != nil {
		return err
	}
	piece := make([]byte, 1<<20)
	var packed bytes.Buffer
	sum := crc32.NewIEEE()
	flat, err := flate.NewWriter(&packed, flate.BestSpeed)
	if err != nil {
		return err
	}
	var whole []byte // a piece, compressed up to a byte's boundary
	for left := n; left > 0; left -= len(piece) {
		piece = piece[:min(left, len(piece))]
		sum.Write(piece)
		if len(piece) == 1<<20 && whole != nil {
			packed.Write(whole)
			continue
		}
		before := packed.Len()
		if _, err := flat.Write(piece); err != nil {
			return err
		}
		if err := flat.Flush(); err != nil {
			return err
		}
		if before > 0 { // only the second refers to zeros before it, as the others do
			whole = bytes.Clone(packed.Bytes()[before:])
		}
	}
	if err := flat.Close(); err != nil {
		return err
	}
	f, err := w.CreateRaw(&zip.FileHeader{
		Name: "zeros", Method: zip.Deflate, CRC32: sum.Sum32(),
		CompressedSize64: uint64(packed.Len()), UncompressedSize64: uint64(n),
	})
	if err != nil {
		return err
	}
	_, err = f.Write(packed.Bytes())
	return err
}

// addDir adds the files below dir, sorted, without times.
func addDir(w *zip.Writer, dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		h := &zip.FileHeader{Name: filepath.ToSlash(name), Method: zip.Deflate}
		h.SetMode(0o755)
		f, err := w.CreateHeader(h)
		if err != nil {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		_, err = f.Write(data)
		return err
	})
}
