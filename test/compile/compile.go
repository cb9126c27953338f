// Package compile builds the Go programs that tests run: hearth itself, and
// what they deploy to it.
package compile

import (
	"context"
	"fmt"
	"os"
	"os/exec"
)

// Program builds a package of this module, such as cmd/hearth, into the file to,
// as releases are built. flags are of `go build`.
func Program(ctx context.Context, pkg, to string, flags ...string) error {
	args := append([]string{"build", "-trimpath", "-ldflags", "-s -w", "-o", to}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, "github.com/hearthd/hearth/"+pkg)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", pkg, err, out)
	}
	return nil
}
