package kv

import "context"

// What the tests need from inside.
var (
	EncodeKey    = encodeKey
	DecodeKey    = decodeKey
	StreamConfig = streamConfig
)

// WaitForKeys waits until the keys are known up to a revision.
func (b *Bucket) WaitForKeys(ctx context.Context, revision uint64) error {
	return b.keys.wait(ctx, revision)
}
