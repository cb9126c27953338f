package mem_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/mem"
	"github.com/hearthd/hearth/sandbox/sandboxtest"
	"github.com/hearthd/hearth/sandbox/sandboxtest/probe"
)

// runProbe is the suite's probe as a program.
func runProbe(ctx context.Context, p *mem.Proc) sandbox.Exit {
	return sandbox.Exit{Code: probe.Run(ctx, probeOf(p))}
}

// resumeProbe is what it is restored as.
func resumeProbe(ctx context.Context, p *mem.Proc, state []byte) sandbox.Exit {
	return sandbox.Exit{Code: probe.Resume(ctx, probeOf(p), state)}
}

func probeOf(p *mem.Proc) probe.Proc {
	return probe.Proc{
		Args: p.Args[1:], Env: p.Env, Dir: p.Dir, Stdout: p.Stdout, Stderr: p.Stderr, Dial: p.Dial,
		Listen: func(address string) (net.Listener, error) { return p.Listen(portOf(address)) },
		Send:   func(address string, datagram []byte) error { return p.Send(portOf(address), datagram) },
		Log:    func() io.Writer { return p.Log },
		Keep:   p.Keep, Conns: p.Conns,
	}
}

// portOf is the number in an address; a simulated host has no more than ports.
func portOf(address string) int {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return 0
	}
	number, _ := strconv.Atoi(port) // 0 is as good as none
	return number
}

func TestDriver(t *testing.T) {
	sandboxtest.RunSimulated(t, func(*testing.T, string) sandbox.Driver {
		const file = "/var/task/" + sandboxtest.ProbeName
		return mem.New(mem.Options{
			Programs: map[string]mem.Program{file: runProbe}, Restored: map[string]mem.Restored{file: resumeProbe},
		})
	})
}

// start runs one program in a sandbox of its own.
func start(t *testing.T, program mem.Program) (*mem.Driver, sandbox.Sandbox, sandbox.Process) {
	t.Helper()
	d := mem.New(mem.Options{Programs: map[string]mem.Program{"/p": program}})
	sb, err := d.Create(t.Context(), sandbox.Spec{ID: "one"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := sb.Start(t.Context(), sandbox.Command{Args: []string{"/p"}, Env: []string{"A=1", "A=2"}})
	if err != nil {
		t.Fatal(err)
	}
	return d, sb, p
}

func TestProgram_VirtualTime_RunsUnderSynctest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, sb, p := start(t, func(ctx context.Context, p *mem.Proc) sandbox.Exit {
			conn, err := p.Dial()
			if err != nil {
				return sandbox.Exit{Code: 1}
			}
			timer := time.NewTimer(time.Hour)
			defer timer.Stop()
			select {
			case <-timer.C:
				fmt.Fprintln(conn, "after an hour")
			case <-ctx.Done():
			}
			return sandbox.Exit{Code: 3}
		})
		defer d.Close()
		begin := time.Now()
		conn, err := sb.Listener().Accept()
		if err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(conn).ReadString('\n'); line != "after an hour\n" {
			t.Errorf("got %q, %v", line, err)
		}
		<-p.Done()
		if p.Exit().Code != 3 || time.Since(begin) != time.Hour {
			t.Errorf("ended with %+v after %v", p.Exit(), time.Since(begin))
		}
	})
}

func TestListener_HTTPServer_ServesPrograms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status := make(chan int, 1)
		d, sb, p := start(t, func(ctx context.Context, p *mem.Proc) sandbox.Exit {
			conn, err := p.Dial()
			if err != nil {
				return sandbox.Exit{Code: 1}
			}
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://runtime/2018-06-01/runtime/invocation/next", nil)
			if err != nil || req.Write(conn) != nil {
				return sandbox.Exit{Code: 2}
			}
			res, err := http.ReadResponse(bufio.NewReader(conn), req)
			if err != nil {
				return sandbox.Exit{Code: 3}
			}
			defer res.Body.Close()
			status <- res.StatusCode
			return sandbox.Exit{}
		})
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) })}
		served := make(chan error, 1)
		go func() { served <- server.Serve(sb.Listener()) }()
		<-p.Done()
		if got := p.Exit(); got != (sandbox.Exit{}) || <-status != http.StatusAccepted {
			t.Errorf("the program ended with %+v", got)
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		server.Close()
		if err := <-served; err == nil {
			t.Error("Serve ended without a reason")
		}
	})
}

func TestSignal_Notified_IsTheProgramsToHandle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, p := start(t, func(ctx context.Context, p *mem.Proc) sandbox.Exit {
			select {
			case <-p.Notify(syscall.SIGTERM):
				return sandbox.Exit{Code: 7}
			case <-ctx.Done():
				return sandbox.Exit{}
			}
		})
		defer d.Close()
		synctest.Wait() // the program has asked for it
		if err := p.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		<-p.Done()
		if got := p.Exit(); got != (sandbox.Exit{Code: 7}) {
			t.Errorf("got %+v", got)
		}
	})
}

func TestSignal_Harmless_DoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _, p := start(t, func(ctx context.Context, _ *mem.Proc) sandbox.Exit {
			<-ctx.Done()
			return sandbox.Exit{}
		})
		defer d.Close()
		for _, sig := range []syscall.Signal{0, syscall.SIGCONT, syscall.SIGWINCH} {
			if err := p.Signal(sig); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		select {
		case <-p.Done():
			t.Errorf("ended by %v", p.Exit().Signal)
		default:
		}
	})
}

func TestKillAll_ProgramThatStays_EndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		d, sb, _ := start(t, func(context.Context, *mem.Proc) sandbox.Exit {
			<-release
			return sandbox.Exit{}
		})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := sb.KillAll(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		close(release)
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestCrash_Sandbox_IsDoneAndForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, sb, p := start(t, func(ctx context.Context, _ *mem.Proc) sandbox.Exit {
			<-ctx.Done()
			return sandbox.Exit{}
		})
		if err := d.Open()[0].Crash(); err != nil {
			t.Fatal(err)
		}
		<-sb.Done()
		<-p.Done()
		if n := len(d.Open()); n != 0 {
			t.Errorf("%d sandboxes are open", n)
		}
	})
}

func TestCreate_OnCreateFails_FailsWithIt(t *testing.T) {
	full := errors.New("no room")
	d := mem.New(mem.Options{OnCreate: func(context.Context, sandbox.Spec) error { return full }})
	if _, err := d.Create(t.Context(), sandbox.Spec{ID: "x"}); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

func TestGetenv_Duplicate_LastCounts(t *testing.T) {
	got := make(chan string, 2)
	d, _, p := start(t, func(_ context.Context, p *mem.Proc) sandbox.Exit {
		got <- p.Getenv("A")
		got <- p.Getenv("B")
		return sandbox.Exit{}
	})
	defer d.Close()
	<-p.Done()
	if a, b := <-got, <-got; a != "2" || b != "" {
		t.Errorf("got %q and %q", a, b)
	}
}

func TestFrozen_FreezeAndThaw_Follows(t *testing.T) {
	d := mem.New(mem.Options{})
	defer d.Close()
	if _, err := d.Create(t.Context(), sandbox.Spec{ID: "cold"}); err != nil {
		t.Fatal(err)
	}
	s := d.Open()[0]
	if err := s.Freeze(); err != nil || !s.Frozen() {
		t.Errorf("not frozen: %v", err)
	}
	if err := s.Thaw(); err != nil || s.Frozen() {
		t.Errorf("not thawed: %v", err)
	}
}

func TestStart_Output_OutlivesCallersFile(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ready := make(chan struct{})
	d := mem.New(mem.Options{Programs: map[string]mem.Program{"/p": func(_ context.Context, p *mem.Proc) sandbox.Exit {
		<-ready
		fmt.Fprintln(p.Stdout, "late")
		return sandbox.Exit{}
	}}})
	defer d.Close()
	sb, err := d.Create(t.Context(), sandbox.Spec{ID: "out"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sb.Start(t.Context(), sandbox.Command{Args: []string{"/p"}, Stdout: w}); err != nil {
		t.Fatal(err)
	}
	w.Close()
	close(ready)
	if line, err := bufio.NewReader(r).ReadString('\n'); line != "late\n" {
		t.Errorf("got %q, %v", line, err)
	}
}
