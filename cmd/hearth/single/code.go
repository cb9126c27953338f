package single

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/cmd/hearth/code"
)

// localCode is what a function without a daemon consists of, by digest: its own
// archive, and its layers as archives in memory.
type localCode struct {
	archive string            // path; empty: the function is a directory
	layers  map[string][]byte // by hex SHA-256
}

// Open is engine.Options.OpenCode.
func (l *localCode) Open(_ context.Context, digest string) (io.ReadCloser, error) {
	if layer, ok := l.layers[digest]; ok {
		return io.NopCloser(bytes.NewReader(layer)), nil
	}
	return os.Open(l.archive)
}

// addLayers gives the function the layers at paths, in this order.
func (l *localCode) addLayers(ctx context.Context, fn *hearth.Function, paths []string) error {
	l.layers = map[string][]byte{}
	for _, path := range paths {
		archive, err := code.Read(ctx, path)
		if err != nil {
			return fmt.Errorf("--layer: %w", err)
		}
		sum := sha256.Sum256(archive)
		digest := hex.EncodeToString(sum[:])
		l.layers[digest] = archive
		fn.Layers = append(fn.Layers, hearth.Layer{ARN: path, Digest: digest, Size: int64(len(archive))})
	}
	return nil
}
