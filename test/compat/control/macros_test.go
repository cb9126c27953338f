package control_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
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
	byName map[string][]byte
}

var archives = archiveCache{byName: map[string][]byte{}}

func (c *archiveCache) get(name string) ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if data, ok := c.byName[name]; ok {
		return data, nil
	}
	data, err := makeArchive(name)
	if err == nil {
		c.byName[name] = data
	}
	return data, err
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

func addZeros(w *zip.Writer, size string) error {
	n, err := strconv.ParseInt(size, 10, 64)
	if err != nil {
		return err
	}
	f, err := w.Create("zeros")
	if err != nil {
		return err
	}
	_, err = io.CopyN(f, zeroReader{}, n)
	return err
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

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
