package single

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/cmd/hearth/code"
	"github.com/hearthd/hearth/cmd/hearth/exit"
)

// readCode reads the archives that a function consists of and describes them in it:
// its own, unless the path is empty because the function is a directory, and the
// layers at their paths, in this order.
func readCode(ctx context.Context, fn *hearth.Function, archive string, layers []string) (archives [][]byte, err error) {
	if archive != "" {
		content, err := os.ReadFile(archive)
		if err != nil {
			return nil, exit.Usagef("run: %w", err)
		}
		sum := sha256.Sum256(content)
		fn.Code = hearth.Code{Digest: hex.EncodeToString(sum[:]), SHA256: base64.StdEncoding.EncodeToString(sum[:]), Size: int64(len(content))}
		archives = append(archives, content)
	}
	for _, path := range layers {
		content, err := code.Read(ctx, path)
		if err != nil {
			return nil, fmt.Errorf("--layer: %w", err)
		}
		sum := sha256.Sum256(content)
		fn.Layers = append(fn.Layers, hearth.Layer{ARN: path, Digest: hex.EncodeToString(sum[:]), Size: int64(len(content))})
		archives = append(archives, content)
	}
	return archives, nil
}
