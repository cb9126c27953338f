package invocation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/hearthd/hearth"
)

// The text of AWS's parser around what it found.
const (
	parsePrefix  = "Could not parse request body into json: Could not parse payload into json: "
	expectedJSON = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
)

// checkJSON reports a payload that is not one JSON value, in the words of
// AWS's parser for the usual cases.
func checkJSON(payload []byte) error {
	if json.Valid(payload) {
		return nil
	}
	at := len(payload)
	var bad *json.SyntaxError
	if err := json.Unmarshal(payload, new(json.RawMessage)); errors.As(err, &bad) && !strings.Contains(bad.Error(), "unexpected end") {
		at = int(bad.Offset) - 1
	}
	return hearth.Errorf(hearth.ErrInvalidContent, "%s", parsePrefix+describe(payload, max(0, at)))
}

// describe says what is wrong at an offset of the payload.
func describe(payload []byte, at int) string {
	if at >= len(payload) {
		return "Unexpected end-of-input" + location(payload, len(payload))
	}
	start := at
	for start > 0 && isTokenByte(payload[start-1]) {
		start--
	}
	// The parser takes the first byte of a value for a character of Latin-1.
	first := rune(payload[start])
	if isTokenByte(payload[start]) && !isDigit(payload[start]) || first >= utf8.RuneSelf && unicode.In(first, unicode.L, unicode.Sc) {
		return unrecognized(payload, start)
	}
	first = rune(payload[at])
	shown := fmt.Sprintf("'%c' (code %d)", first, first)
	if unicode.IsControl(first) {
		shown = fmt.Sprintf("(CTRL-CHAR, code %d)", first)
	}
	return "Unexpected character (" + shown + "): expected a valid value " + expectedJSON + location(payload, at)
}

// maxToken is how much the parser shows of what it does not know.
const maxToken = 256

// unrecognized describes a word that JSON does not have.
func unrecognized(payload []byte, start int) string {
	token := []rune{rune(payload[start])}
	at := start + 1
	for at < len(payload) {
		r, size := utf8.DecodeRune(payload[at:])
		switch b := payload[at]; {
		case r == utf8.RuneError && size == 1 && (b < 0xc0 || b >= 0xf8):
			return fmt.Sprintf("Invalid UTF-8 start byte 0x%x", b) + location(payload, at+1)
		case r == utf8.RuneError && size == 1 && at+1 < len(payload):
			return fmt.Sprintf("Invalid UTF-8 middle byte 0x%x", payload[at+1]) + location(payload, at+2)
		}
		if !unicode.In(r, unicode.L, unicode.Nd, unicode.Nl, unicode.Sc, unicode.Pc) {
			break
		}
		at += size
		if token = append(token, r); len(token) == maxToken {
			return "Unrecognized token '" + string(token) + "...': was expecting " + expectedJSON + location(payload, at)
		}
	}
	return "Unrecognized token '" + string(token) + "': was expecting " + expectedJSON + location(payload, at)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isTokenByte(c byte) bool {
	return isDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$'
}

// location is where the parser stood, counted from one.
func location(payload []byte, at int) string {
	before := payload[:max(0, min(at, len(payload)))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + len(before) - (bytes.LastIndexByte(before, '\n') + 1)
	return fmt.Sprintf("\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: %d, column: %d]", line, column)
}
