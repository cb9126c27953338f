// Package uuid makes and reads random UUIDs, version 4 of RFC 9562.
package uuid

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	weak "math/rand/v2"
	"strings"
)

// New returns a UUID that nobody can guess.
func New() string {
	var raw [16]byte
	rand.Read(raw[:]) // never fails: see crypto/rand
	return version4(raw)
}

// Weak returns a UUID that is unique but can be guessed. It costs no system call.
func Weak() string {
	var raw [16]byte
	for i, v := range [2]uint64{weak.Uint64(), weak.Uint64()} {
		for j := range 8 {
			raw[8*i+j] = byte(v >> (8 * j))
		}
	}
	return version4(raw)
}

// ErrInvalid is what is no UUID.
var ErrInvalid = errors.New("no UUID")

// Parse reads a UUID of any version, with or without its dashes and the prefix
// urn:uuid:, and returns the form that New has. The error is ErrInvalid.
func Parse(text string) (string, error) {
	raw, err := hex.DecodeString(strings.ReplaceAll(strings.TrimPrefix(text, "urn:uuid:"), "-", ""))
	if err != nil || len(raw) != 16 {
		return "", ErrInvalid
	}
	return format([16]byte(raw)), nil
}

func version4(raw [16]byte) string {
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80
	return format(raw)
}

func format(raw [16]byte) string {
	var b [36]byte
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	hex.Encode(b[:8], raw[:4])
	hex.Encode(b[9:13], raw[4:6])
	hex.Encode(b[14:18], raw[6:8])
	hex.Encode(b[19:23], raw[8:10])
	hex.Encode(b[24:], raw[10:])
	return string(b[:])
}
