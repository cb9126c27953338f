package logs

import (
	"bytes"
	"strings"
)

// In the line of an event a newline is NUL n, and a NUL is NUL 0. Hardly any
// event has either.

func appendEscaped(b, message []byte) []byte {
	for {
		i := bytes.IndexAny(message, "\n\x00")
		if i < 0 {
			return append(b, message...)
		}
		b = append(append(b, message[:i]...), 0, 'n')
		if message[i] == 0 {
			b[len(b)-1] = '0'
		}
		message = message[i+1:]
	}
}

func unescapeMessage(line []byte) string {
	if bytes.IndexByte(line, 0) < 0 {
		return string(line)
	}
	return strings.NewReplacer("\x00n", "\n", "\x000", "\x00").Replace(string(line))
}
