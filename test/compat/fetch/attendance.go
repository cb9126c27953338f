package fetch

import (
	"errors"
	"fmt"
	"sync"
	"testing"
)

// Attendance counts the things whose toolchain this machine has. Its zero value
// is ready to use; its methods are safe for concurrent use.
type Attendance struct {
	mu      sync.Mutex
	present int
	absent  []error
}

// Require skips a test when one of the conditions is an error, and says why.
func (a *Attendance) Require(t testing.TB, conditions ...error) {
	t.Helper()
	err := errors.Join(conditions...)
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		a.present++
		return
	}
	a.absent = append(a.absent, err)
	t.Skip(err)
}

// Check is an error when every test that required something was skipped.
func (a *Attendance) Check() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.present == 0 && len(a.absent) > 0 {
		return fmt.Errorf("nothing could be fetched or built: %w", errors.Join(a.absent...))
	}
	return nil
}
