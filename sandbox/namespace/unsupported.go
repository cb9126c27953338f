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

// NeedsUserNamespace says that EnterUserNamespace would help: it would not.
func NeedsUserNamespace() bool { return false }

// InUserNamespace says that this process was brought into one: it was not.
func InUserNamespace() bool { return false }

// EnterUserNamespace fails: there are no namespaces on this system.
func EnterUserNamespace([]string) error {
	return fmt.Errorf("user namespaces need Linux: %w", errors.ErrUnsupported)
}
