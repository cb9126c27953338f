package pool_test

import (
	"context"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/invoke/pool"
)

// instant is an environment that answers at once and costs nothing itself.
type instant struct{}

func (instant) Init() bool               { return true }
func (instant) State() environment.State { return environment.Idle }
func (instant) MemoryUsed() int          { return 30 }
func (instant) Freeze() error            { return nil }
func (instant) Close() error             { return nil }

func (instant) Begin(_ *hearth.Invocation, free func()) func() (hearth.Result, error) {
	free()
	return answerNothing
}

func answerNothing() (hearth.Result, error) { return hearth.Result{}, nil }

func newInstantPool(b *testing.B) *pool.Pool {
	p := pool.New(pool.Options{Open: func(context.Context, *hearth.Function, string) (pool.Environment, error) {
		return instant{}, nil
	}})
	b.Cleanup(func() { p.Close() })
	return p
}

// BenchmarkInvoke_Warm is what the pool adds to an invocation that finds an idle
// environment.
func BenchmarkInvoke_Warm(b *testing.B) {
	p, fn, inv := newInstantPool(b), function("f"), &hearth.Invocation{}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Invoke(b.Context(), fn, inv); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInvoke_WarmManaged is the same on managed instances.
func BenchmarkInvoke_WarmManaged(b *testing.B) {
	p, fn, inv := newInstantPool(b), managed("f", 16), &hearth.Invocation{}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Invoke(b.Context(), fn, inv); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInvoke_Parallel has several goroutines at once ask for environments.
func BenchmarkInvoke_Parallel(b *testing.B) {
	p, fn := newInstantPool(b), function("f")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := p.Invoke(b.Context(), fn, &hearth.Invocation{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
