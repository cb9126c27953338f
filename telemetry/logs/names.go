package logs

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"path/filepath"
	"strings"
)

// maxElement bounds a path element of ours, in bytes; file systems take 255,
// and a stream's has a suffix.
const maxElement = 200

const streamSuffix = ".log"

func (s *Store) groupDir(scope Scope, group string) string {
	return filepath.Join(s.dir, escape(scope.Account), escape(scope.Region), escape(group))
}

func (s *Store) streamPath(scope Scope, group, stream string) string {
	return filepath.Join(s.groupDir(scope, group), escape(stream)+streamSuffix)
}

// escape makes one path element of a name that users choose. Different names
// have different elements. One that would be too long is cut and carries its
// hash, after a "%" that no escape begins with.
func escape(name string) string {
	e := url.PathEscape(name)
	switch {
	case e == "":
		return "%empty"
	case e[0] == '.':
		e = "%2E" + e[1:]
	}
	if len(e) <= maxElement {
		return e
	}
	sum := sha256.Sum256([]byte(name))
	hash := "%." + hex.EncodeToString(sum[:16])
	cut := e[:maxElement-len(hash)]
	if at := strings.LastIndexByte(cut, '%'); at > len(cut)-3 {
		cut = cut[:at] // not through an escape
	}
	return cut + hash
}

// unescape returns the name that escape was given. What is not known of a name
// that was cut stays escaped.
func unescape(element string) string {
	if name, err := url.PathUnescape(element); err == nil {
		return name
	}
	return element
}
