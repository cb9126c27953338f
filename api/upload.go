package api

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// upload is a body with a code archive in it, as it is read: the archive goes into
// a file, and the rest, in which an empty string takes its place, into memory.
//
// It knows just enough of JSON to find the archive. What is no JSON goes into the
// rest up to and with the mistake, so that whoever decodes the rest finds it there.
type upload struct {
	dir  string
	path []string // the names of the members that lead to the archive
	r    *bufio.Reader

	rest    bytes.Buffer
	levels  []level
	archive *Archive // the last one: of several members of a name the last one counts
	corrupt error    // the first archive that is not base64
}

// level is an object or an array that is open.
type level struct {
	object bool
	key    bool // of an object: a name comes next, no value
	under  bool // of an object: it is where path leads so far
	on     bool // the name that came last is the path's
}

// maxLevels is how deep encoding/json goes; beyond, it takes no further look.
const maxLevels = 10000

// maxMistake is how much follows a mistake in the rest: more than what it takes to
// see what it is.
const maxMistake = 16

// readUpload reads a body of at most limit bytes. hashed says whether its SHA-256 is
// wanted. The caller closes the archive also on an error.
func readUpload(r *http.Request, limit int64, path, dir string, hashed bool) (*upload, string, error) {
	u := &upload{dir: dir, path: strings.Split(path, ".")}
	if r.Body == nil || r.ContentLength == 0 {
		return u, HashBody(nil), nil
	}
	if r.ContentLength > limit {
		return u, "", errBodyTooLarge
	}
	if r.ContentLength > 0 {
		limit = r.ContentLength
	}
	sum, size := sha256.New(), counter(0)
	body := io.TeeReader(io.LimitReader(r.Body, limit+1), &size)
	if hashed {
		body = io.TeeReader(body, sum)
	}
	u.r = bufio.NewReaderSize(body, decodeAtOnce)
	switch err := u.read(); {
	case err != nil:
		return u, "", fmt.Errorf("read the body: %w", err)
	case int64(size) > limit:
		return u, "", errBodyTooLarge
	case int64(size) < r.ContentLength:
		return u, "", fmt.Errorf("read the body: %w", io.ErrUnexpectedEOF)
	}
	return u, hex.EncodeToString(sum.Sum(nil)), nil
}

// counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// errMistake ends the reading of what is no JSON.
var errMistake = errors.New("not JSON")

// read reads to the end of the body.
func (u *upload) read() error {
	for {
		c, err := u.r.ReadByte()
		if err == nil {
			err = u.token(c)
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errMistake):
			return u.mistake()
		case err != nil:
			return err
		}
	}
}

// mistake takes what is needed to see a mistake, and reads the rest of the body.
func (u *upload) mistake() error {
	if _, err := io.CopyN(&u.rest, u.r, maxMistake); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	_, err := io.Copy(io.Discard, u.r)
	return err
}

// token takes a token that begins with c, or a part of one.
func (u *upload) token(c byte) error {
	top := u.top()
	if top.atValue(len(u.levels), len(u.path)) && !bytes.ContainsRune([]byte(" \t\r\n:,}]"), rune(c)) {
		u.archive.close() // whatever comes takes its place
		u.archive = nil
		if c == '"' {
			return u.spool()
		}
	}
	u.rest.WriteByte(c)
	switch c {
	case '{', '[':
		if len(u.levels) > maxLevels {
			return errMistake
		}
		depth := len(u.levels)
		under := c == '{' && depth < len(u.path) && (depth == 0 || top.on)
		u.levels = append(u.levels, level{object: c == '{', key: c == '{', under: under})
	case '}', ']':
		u.levels = u.levels[:max(len(u.levels)-1, 0)]
	case ',':
		top.key, top.on = top.object, false
	case ':':
		top.key = false
	case '"':
		return u.text(top)
	}
	return nil
}

// top returns the innermost level; outside of all, one that does not matter.
func (u *upload) top() *level {
	if len(u.levels) == 0 {
		return &level{}
	}
	return &u.levels[len(u.levels)-1]
}

// atValue says whether what comes next is the value that path leads to.
func (l *level) atValue(depth, length int) bool { return l.on && !l.key && depth == length }

// maxKey is how long a name that matters can be, as it is written: each of its
// characters may be an escape.
const maxKey = 128

// text takes a string whose quote was taken: a name of the level, or a value.
func (u *upload) text(top *level) error {
	from := u.rest.Len() - 1
	for escaped := false; ; {
		c, err := u.r.ReadByte()
		if err != nil {
			return err
		}
		u.rest.WriteByte(c)
		switch {
		case escaped:
			escaped = false
		case c == '\\':
			escaped = true
		case c == '"':
			if top.key {
				top.on = top.under && u.is(u.rest.Bytes()[from:], u.path[len(u.levels)-1])
			}
			return nil
		}
	}
}

// is says whether a name means a member, as encoding/json matches them.
func (u *upload) is(quoted []byte, member string) bool {
	var name string
	return len(quoted) <= maxKey && json.Unmarshal(quoted, &name) == nil && strings.EqualFold(name, member)
}

// spool takes the string that is the archive, whose quote was taken.
func (u *upload) spool() error {
	u.rest.WriteByte('"')
	d := newDecoding(u.dir)
	err := u.decode(d)
	archive := d.archive()
	switch {
	case err != nil:
		archive.close()
		return err
	case d.err != nil:
		return d.err
	case u.corrupt == nil:
		u.corrupt = d.corrupt
	}
	u.archive = archive
	u.rest.WriteByte('"')
	return nil
}

// decode decodes a string up to its end.
func (u *upload) decode(d *decoding) error {
	for {
		if _, err := u.r.Peek(1); err != nil {
			return err
		}
		window, _ := u.r.Peek(u.r.Buffered()) // never fails: it is there
		n := plain(window)
		d.write(window[:n])
		_, _ = u.r.Discard(n) // never fails either
		if n == len(window) {
			continue
		}
		switch window[n] {
		case '"':
			_, err := u.r.Discard(1)
			return err
		case '\\':
			if err := u.unescape(d); err != nil {
				return err
			}
		default: // a control character
			return errMistake
		}
	}
}

// plain is how many characters at the beginning of b stand for themselves.
func plain(b []byte) int {
	for i, c := range b {
		if c == '"' || c == '\\' || c < ' ' {
			return i
		}
	}
	return len(b)
}

// unescape takes an escape, which is ahead.
func (u *upload) unescape(d *decoding) error {
	ahead, err := u.r.Peek(2)
	if err != nil {
		return endsThere(err)
	}
	if ahead[1] == 'u' {
		if ahead, err = u.r.Peek(6); err != nil {
			return endsThere(err)
		}
		code, err := strconv.ParseUint(string(ahead[2:]), 16, 16)
		if err != nil {
			return errMistake
		}
		d.write([]byte{byte(min(code, 0xff))}) // what is not ASCII is not base64
		_, err = u.r.Discard(6)
		return err
	}
	i := strings.IndexByte(`"\/bfnrt`, ahead[1])
	if i < 0 {
		return errMistake
	}
	d.write([]byte{"\"\\/\b\f\n\r\t"[i]})
	_, err = u.r.Discard(2)
	return err
}

// endsThere makes a mistake of a body that ends within an escape.
func endsThere(err error) error {
	if errors.Is(err, io.EOF) {
		return errMistake
	}
	return err
}
