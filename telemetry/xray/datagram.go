package xray

import (
	"bytes"
	"encoding/json"
	"errors"
)

// MaxDatagram is the most that a segment takes with its header: X-Ray's limit
// of 64 KB.
const MaxDatagram = 64 << 10

// Errors of Parse.
var (
	errHeader  = errors.New(`datagram does not begin with {"format":"json","version":1}`)
	errSegment = errors.New("segment is not a JSON object with trace_id and id")
)

// Parse returns the segment in a datagram, on one line: after a header, a
// newline, and a JSON object.
func Parse(datagram []byte) ([]byte, error) {
	head, body, found := bytes.Cut(datagram, []byte{'\n'})
	var header struct {
		Format  string `json:"format"`
		Version int    `json:"version"`
	}
	if !found || json.Unmarshal(head, &header) != nil || header.Format != "json" || header.Version != 1 {
		return nil, errHeader
	}
	var ids struct {
		TraceID string `json:"trace_id"`
		ID      string `json:"id"`
	}
	if json.Unmarshal(body, &ids) != nil || ids.TraceID == "" || ids.ID == "" {
		return nil, errSegment
	}
	var line bytes.Buffer
	if err := json.Compact(&line, body); err != nil {
		return nil, errSegment
	}
	return line.Bytes(), nil
}
