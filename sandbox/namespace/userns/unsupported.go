//go:build !linux

package userns

import (
	"errors"
	"fmt"
)

// Needed says that Enter would help: it would not.
func Needed() bool { return false }

// Entered says that Enter has brought this process here: it has not.
func Entered() bool { return false }

// Enter fails: there are no namespaces on this system.
func Enter([]string) error {
	return fmt.Errorf("user namespaces need Linux: %w", errors.ErrUnsupported)
}
