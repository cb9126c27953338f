package mem_test

import (
	"context"
	"errors"
	"io"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/mem"
)

// restorable runs one program, which can be restored as another, in a sandbox of
// its own.
func restorable(t *testing.T, program mem.Program, as mem.Restored) (*mem.Driver, *mem.Sandbox) {
	t.Helper()
	d := mem.New(mem.Options{Programs: map[string]mem.Program{"/p": program}, Restored: map[string]mem.Restored{"/p": as}})
	box := create(t, d, "one")
	if _, err := box.Start(t.Context(), sandbox.Command{Args: []string{"/p", "arg"}, Env: []string{"A=1"}}); err != nil {
		t.Fatal(err)
	}
	return d, box
}

func create(t *testing.T, d *mem.Driver, id string) *mem.Sandbox {
	t.Helper()
	box, err := d.Create(t.Context(), sandbox.Spec{ID: id})
	if err != nil {
		t.Fatal(err)
	}
	return box.(*mem.Sandbox)
}

func hold(ctx context.Context, _ *mem.Proc) sandbox.Exit {
	<-ctx.Done()
	return sandbox.Exit{}
}

func ended(context.Context, *mem.Proc, []byte) sandbox.Exit { return sandbox.Exit{} }

func TestSnapshot_ProgramAtWork_IsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, box := restorable(t, func(ctx context.Context, p *mem.Proc) sandbox.Exit {
			<-time.After(time.Second)
			p.Keep([]byte("a while"))
			p.Keep(nil)
			<-time.After(time.Second)
			p.Keep([]byte("for good"))
			return hold(ctx, p)
		}, ended)
		defer d.Close()
		began := time.Now()
		<-time.After(1500 * time.Millisecond)
		if err := box.Snapshot(t.Context(), t.TempDir()); err != nil || time.Since(began) != 2*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestSnapshot_ProgramAlwaysAtWork_EndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, box := restorable(t, hold, ended)
		defer d.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := box.Snapshot(ctx, t.TempDir()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestSnapshot_ProgramWithoutAnotherEntry_IsErrNotRestorable(t *testing.T) {
	d, sb, _ := start(t, hold)
	defer d.Close()
	if err := sb.(sandbox.Restorer).Snapshot(t.Context(), t.TempDir()); !errors.Is(err, sandbox.ErrNotRestorable) {
		t.Errorf("got %v", err)
	}
}

func TestSnapshot_ConnectionFromTheDaemon_IsErrNotRestorable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, box := restorable(t, func(ctx context.Context, p *mem.Proc) sandbox.Exit {
			l, err := p.Listen(80)
			if err != nil {
				return sandbox.Exit{Code: 1}
			}
			conn, err := l.Accept()
			if err != nil {
				return sandbox.Exit{Code: 1}
			}
			defer conn.Close()
			p.Keep([]byte("connected"))
			return hold(ctx, p)
		}, ended)
		defer d.Close()
		synctest.Wait()
		conn, err := box.Dial(t.Context(), 80)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		synctest.Wait()
		if err := box.Snapshot(t.Context(), t.TempDir()); !errors.Is(err, sandbox.ErrNotRestorable) {
			t.Errorf("got %v", err)
		}
	})
}

func TestRestore_Program_GetsWhatItKeptAndWasStartedWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type found struct {
			state, arg, env string
			conns           int
			log             bool
		}
		got := make(chan found, 1)
		d, box := restorable(t, func(ctx context.Context, p *mem.Proc) sandbox.Exit {
			for range 3 {
				conn, err := p.Dial()
				if err != nil {
					return sandbox.Exit{Code: 1}
				}
				defer conn.Close()
			}
			conn, err := p.Dial()
			if err != nil || conn.Close() != nil { // it is no part of the snapshot
				return sandbox.Exit{Code: 1}
			}
			p.Keep([]byte("state"))
			return hold(ctx, p)
		}, func(_ context.Context, p *mem.Proc, state []byte) sandbox.Exit {
			got <- found{string(state), p.Args[1], p.Getenv("A"), len(p.Conns), p.Log != nil}
			return sandbox.Exit{Code: 4}
		})
		defer d.Close()
		dir := t.TempDir()
		if err := box.Snapshot(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		copied := create(t, d, "copy")
		procs, err := copied.Restore(t.Context(), dir, []sandbox.Streams{{Log: w}})
		w.Close()
		if err != nil {
			t.Fatal(err)
		}
		if f := <-got; f != (found{"state", "arg", "1", 3, false}) {
			t.Errorf("got %+v", f)
		}
		<-procs[0].Done()
		if exit := procs[0].Exit(); exit.Code != 4 {
			t.Errorf("ended with %+v", exit)
		}
		if left, err := io.ReadAll(r); err != nil || len(left) > 0 {
			t.Errorf("the log has %q, %v", left, err)
		}
	})
}

func TestRestore_ProgramIsGone_IsErrSnapshotInvalid(t *testing.T) {
	d, box := restorable(t, func(ctx context.Context, p *mem.Proc) sandbox.Exit {
		p.Keep([]byte("state"))
		return hold(ctx, p)
	}, ended)
	defer d.Close()
	dir := t.TempDir()
	if err := box.Snapshot(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	other := mem.New(mem.Options{})
	defer other.Close()
	if _, err := create(t, other, "two").Restore(t.Context(), dir, make([]sandbox.Streams, 1)); !errors.Is(err, sandbox.ErrSnapshotInvalid) {
		t.Errorf("got %v", err)
	}
}

// A Runtime API that takes no connection any more.
func TestRestore_NobodyAccepts_LeavesNoProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, box := restorable(t, func(ctx context.Context, p *mem.Proc) sandbox.Exit {
			if _, err := p.Dial(); err != nil {
				return sandbox.Exit{Code: 1}
			}
			p.Keep([]byte("state"))
			return hold(ctx, p)
		}, ended)
		defer d.Close()
		dir := t.TempDir()
		if err := box.Snapshot(t.Context(), dir); err != nil {
			t.Fatal(err)
		}
		copied := create(t, d, "copy")
		copied.Listener().Close()
		for range 2 { // were a process left, the second would say so
			if _, err := copied.Restore(t.Context(), dir, make([]sandbox.Streams, 1)); err == nil || errors.Is(err, sandbox.ErrSnapshotInvalid) {
				t.Errorf("got %v", err)
			}
		}
		if err := copied.Close(); err != nil {
			t.Error(err)
		}
	})
}
