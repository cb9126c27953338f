package environment

import (
	"testing"
	"time"
)

// The pool asks for the state with its own lock held, while begin has the mutex for as
// long as it takes to hand an event to the runtime.
func TestMultiConcurrentState_WhileAnEventIsHandedOver_DoesNotWait(t *testing.T) {
	m := &MultiConcurrent{env: &Environment{state: Idle}}
	m.mu.Lock()
	defer m.mu.Unlock()
	got := make(chan State, 1)
	go func() { got <- m.State() }()
	select {
	case s := <-got:
		if s != Idle {
			t.Errorf("%s, want idle", s)
		}
	case <-time.After(5 * time.Second):
		t.Error("it waits for the event")
	}
}
