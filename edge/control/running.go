package control

import (
	"context"
	"errors"
	"sync"

	"github.com/hearthd/hearth"
)

// errDeleted is why a preparation ends whose function was deleted meanwhile.
var errDeleted = errors.New("the function was deleted")

// running are the preparations in progress, so that deleting a function ends its own:
// a large package takes seconds of a processor. The zero value is ready for use.
type running struct {
	mu   sync.Mutex
	ends map[*preparation]context.CancelCauseFunc
}

// preparation says what is prepared. A function is known by its ID, which no later
// function of the same name has.
type preparation struct{ id, version string }

// begin returns a context that ends with the function, too. The caller calls done
// after it.
func (r *running) begin(ctx context.Context, fn *hearth.Function) (_ context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	p := &preparation{fn.ID, fn.Version}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ends == nil {
		r.ends = make(map[*preparation]context.CancelCauseFunc)
	}
	r.ends[p] = cancel
	return ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.ends, p)
		cancel(nil)
	}
}

// end ends the preparations of a function, or of one version of it. Functions that
// were stored before they had an ID are left alone.
func (r *running) end(id, version string) {
	if id == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for p, cancel := range r.ends {
		if p.id == id && (version == "" || p.version == version) {
			cancel(errDeleted)
		}
	}
}

// prepareOn prepares a function on the host. ended is why it was given up, by Close or
// because the function was deleted; failed is what the host says.
func (s *Service) prepareOn(ctx context.Context, fn *hearth.Function) (failed, ended error) {
	ctx, done := s.running.begin(ctx, fn)
	defer done()
	failed = s.opts.Host.Prepare(ctx, fn)
	return failed, context.Cause(ctx)
}
