package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"os"
)

// decodeAtOnce is how many characters of base64 are decoded at a time. An archive
// that is not longer stays in memory.
const decodeAtOnce = 32 << 10

// decoding makes an Archive of base64 that comes in pieces. What it cannot decode
// stops it, with the error that encoding/base64 has for the whole.
type decoding struct {
	dir     string
	pending []byte // characters that were not decoded yet
	from    int64  // where in the base64 pending begins
	padded  bool   // nothing may follow
	decoded []byte
	sum     hash.Hash
	size    int64
	file    *os.File // nil until there is more than fits into memory
	corrupt error    // of the base64
	err     error    // of the disk
}

func newDecoding(dir string) *decoding {
	return &decoding{
		dir: dir, sum: sha256.New(), pending: make([]byte, 0, decodeAtOnce), decoded: make([]byte, base64.StdEncoding.DecodedLen(decodeAtOnce)),
	}
}

// write takes characters. As base64 may be in lines, the ends of lines are left out;
// the position of an error is then counted from the last piece that had one.
func (d *decoding) write(p []byte) {
	for len(p) > 0 && !d.failed() {
		if len(d.pending) == cap(d.pending) {
			d.decode(d.pending)
			d.pending = d.pending[:0]
			continue
		}
		end := bytes.IndexAny(p, "\r\n")
		if end == 0 {
			d.from++
			p = p[1:]
			continue
		}
		if end < 0 {
			end = len(p)
		}
		if d.padded {
			d.corrupt = base64.CorruptInputError(d.from)
			return
		}
		n := min(end, cap(d.pending)-len(d.pending))
		d.pending = append(d.pending, p[:n]...)
		p = p[n:]
	}
}

func (d *decoding) failed() bool { return d.corrupt != nil || d.err != nil }

// decode decodes characters: the last ones, or a multiple of four.
func (d *decoding) decode(chars []byte) {
	n, err := base64.StdEncoding.Decode(d.decoded, chars)
	if at, ok := errors.AsType[base64.CorruptInputError](err); ok {
		d.corrupt = base64.CorruptInputError(d.from + int64(at))
		return
	}
	d.from += int64(len(chars))
	d.padded = bytes.HasSuffix(chars, []byte("="))
	d.decoded = d.decoded[:n]
	d.sum.Write(d.decoded)
	d.size += int64(n)
	if len(chars) == decodeAtOnce || d.file != nil {
		d.spill()
		d.decoded = d.decoded[:cap(d.decoded)]
	}
}

// spill writes what was decoded to a file that has no name.
func (d *decoding) spill() {
	if d.file == nil {
		f, err := os.CreateTemp(d.dir, ".archive-")
		if err != nil {
			d.err = fmt.Errorf("keep the archive of a request: %w", err)
			return
		}
		d.file = f
		if err := os.Remove(f.Name()); err != nil {
			d.err = fmt.Errorf("keep the archive of a request: %w", err)
			return
		}
	}
	if _, err := d.file.Write(d.decoded); err != nil {
		d.err = fmt.Errorf("keep the archive of a request: %w", err)
	}
}

// archive ends the base64 and returns what it is; nil when it failed.
func (d *decoding) archive() *Archive {
	if !d.failed() {
		d.decode(d.pending)
	}
	if d.failed() {
		if d.file != nil {
			d.file.Close() // it has no name
		}
		return nil
	}
	a := &Archive{size: d.size, sum: [sha256.Size]byte(d.sum.Sum(nil)), file: d.file}
	if d.file != nil {
		a.content = d.file
	} else {
		a.content = bytes.NewReader(d.decoded)
	}
	return a
}
