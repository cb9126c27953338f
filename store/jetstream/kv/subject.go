package kv

import (
	"fmt"
	"strings"
)

// Keys and subjects. A key's parts between '/' become the tokens of a subject,
// so that a prefix can be a filter. NATS allows letters, digits, '-', '_' and
// '=' in the tokens of a key-value bucket: the first four stand for
// themselves, '=' begins two hex digits of any other byte, and '=' alone is an
// empty part.
//
//	function/1234/eu-west-1/a b   function.1234.eu-west-1.a=20b
//	/$LATEST                      =.=24LATEST

const hexDigits = "0123456789ABCDEF"

// encodeKey returns the subject of a key, without the bucket's prefix.
func encodeKey(key string) string {
	var b strings.Builder
	for i, part := range strings.Split(key, "/") {
		if i > 0 {
			b.WriteByte('.')
		}
		if part == "" {
			b.WriteByte('=')
		}
		for _, c := range []byte(part) {
			if plain(c) {
				b.WriteByte(c)
			} else {
				b.Write([]byte{'=', hexDigits[c>>4], hexDigits[c&15]})
			}
		}
	}
	return b.String()
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// decodeKey is the inverse of encodeKey; an error for what encodeKey never returns.
func decodeKey(subject string) (string, error) {
	var b strings.Builder
	for i, token := range strings.Split(subject, ".") {
		if i > 0 {
			b.WriteByte('/')
		}
		if token == "=" {
			continue
		}
		if token == "" {
			return "", fmt.Errorf("subject %q has an empty token", subject)
		}
		for ; token != ""; token = token[1:] {
			c := token[0]
			switch {
			case plain(c):
			case c == '=' && len(token) >= 3:
				hi, lo := strings.IndexByte(hexDigits, token[1]), strings.IndexByte(hexDigits, token[2])
				if hi < 0 || lo < 0 || plain(byte(hi<<4|lo)) || hi<<4|lo == '/' {
					return "", fmt.Errorf("subject %q has a bad escape", subject)
				}
				c, token = byte(hi<<4|lo), token[2:]
			default:
				return "", fmt.Errorf("subject %q is not an encoded key", subject)
			}
			b.WriteByte(c)
		}
	}
	return b.String(), nil
}

// prefixFilter returns a subject filter, without the bucket's prefix, that all
// keys beginning with prefix match, and few others.
func prefixFilter(prefix string) string {
	i := strings.LastIndexByte(prefix, '/')
	if i < 0 {
		return ">"
	}
	return encodeKey(prefix[:i]) + ".>"
}
