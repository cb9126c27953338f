package dispatch

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"time"
)

// NewTraceID returns an X-Ray trace header for a request that came without
// one, in the form that Lambda gives it:
//
//	Root=1-<8 hex: seconds>-<24 hex>;Parent=<16 hex>;Sampled=<0|1>;Lineage=1:<8 hex>:0
//
// The X-Ray SDKs send segments of what is sampled only.
func NewTraceID(sampled bool) string {
	var raw [28]byte
	binary.BigEndian.PutUint32(raw[:], uint32(time.Now().Unix())) //nolint:gosec // X-Ray has 32 bits for it
	// Trace ids tell requests apart; they are no secret.
	for i := 4; i < len(raw); i += 8 {
		binary.LittleEndian.PutUint64(raw[i:], rand.Uint64())
	}
	var x [56]byte
	hex.Encode(x[:], raw[:])
	b := make([]byte, 0, 96)
	b = append(append(b, "Root=1-"...), x[:8]...)
	b = append(append(b, '-'), x[8:32]...)
	b = append(append(b, ";Parent="...), x[32:48]...)
	decision := ";Sampled=0;Lineage=1:"
	if sampled {
		decision = ";Sampled=1;Lineage=1:"
	}
	b = append(append(b, decision...), x[48:56]...)
	return string(append(b, ":0"...))
}
