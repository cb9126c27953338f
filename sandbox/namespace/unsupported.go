//go:build !linux

package namespace

import (
	"errors"
	"fmt"

	"github.com/hearthd/hearth/sandbox"
)

// New fails: there are no namespaces on this system.
func New(Options) (sandbox.Driver, error) {
	return nil, fmt.Errorf("namespace sandboxes need Linux: %w", errors.ErrUnsupported)
}
