package invocation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

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
	end := at
	for end < len(payload) && isTokenByte(payload[end]) {
		end++
	}
	if token := string(payload[start:end]); token != "" && !isDigit(token[0]) {
		return "Unrecognized token '" + token + "': was expecting " + expectedJSON + location(payload, end)
	}
	c := []rune(string(payload[at:min(len(payload), at+4)]))[0]
	return fmt.Sprintf("Unexpected character ('%c' (code %d)): expected a valid value %s", c, c, expectedJSON) + location(payload, at)
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
