package dispatch

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// NewTrace returns the X-Ray trace header of a request that came without one:
//
//	Root=1-<8 hex: seconds>-<24 hex>;Parent=<16 hex>
//
// Invoke adds the rest when the function is known.
func NewTrace() string {
	var raw [24]byte
	binary.BigEndian.PutUint32(raw[:], uint32(time.Now().Unix())) //nolint:gosec // X-Ray has 32 bits for it
	// Trace ids tell requests apart; they are no secret.
	for i := 4; i < len(raw); {
		var word [8]byte
		binary.LittleEndian.PutUint64(word[:], rand.Uint64())
		i += copy(raw[i:], word[:])
	}
	var x [48]byte
	hex.Encode(x[:], raw[:])
	b := make([]byte, 0, 64)
	b = append(append(b, "Root=1-"...), x[:8]...)
	b = append(append(b, '-'), x[8:32]...)
	return string(append(append(b, ";Parent="...), x[32:]...))
}

// What a trace header says of whether its trace is sampled: the X-Ray SDKs send
// segments of those only. An upstream service can leave the decision open.
const (
	sampledField = "Sampled="
	sampledOpen  = "Sampled=?"
	sampledNo    = "Sampled=0"
	sampledYes   = "Sampled=1"
)

// decide settles for a trace header that leaves it open whether the trace is
// sampled, as the function has it. What is no trace header stays as it is.
func decide(trace string, active bool) string {
	decision := sampledNo
	if active {
		decision = sampledYes
	}
	switch {
	case len(trace) > maxLineage:
		return trace
	case strings.Contains(trace, sampledOpen):
		return strings.Replace(trace, sampledOpen, decision, 1)
	case strings.Contains(trace, sampledField) || !strings.Contains(trace, "Root="):
		return trace
	}
	if before, lineage, ok := strings.Cut(trace, ";Lineage="); ok {
		return before + ";" + decision + ";Lineage=" + lineage
	}
	return trace + ";" + decision
}

// addParent gives the trace header of a traced function a segment for the
// function's own to be part of, where the caller named none: X-Ray's SDKs leave it
// out when what they run in is not traced, and without it send nothing themselves.
func addParent(trace string) string {
	root := strings.Index(trace, "Root=")
	if root < 0 || len(trace) > maxLineage || strings.Contains(trace, "Parent=") || !strings.Contains(trace, sampledYes) {
		return trace
	}
	end := len(trace)
	if i := strings.IndexByte(trace[root:], ';'); i >= 0 {
		end = root + i
	}
	return trace[:end] + fmt.Sprintf(";Parent=%016x", rand.Uint64()) + trace[end:]
}
