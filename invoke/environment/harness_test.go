package environment_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/mem"
)

const bootstrap = "/var/task/bootstrap"

// started is an environment.Runtime of a command.
type started func(sandbox.Paths) (environment.Command, error)

func (s started) Command(p sandbox.Paths) (environment.Command, error) { return s(p) }
func (started) Release()                                               {}

// bootstraps is the bootstrap as an environment.Runtime.
var bootstraps = started(func(sandbox.Paths) (environment.Command, error) {
	return environment.Command{Args: []string{bootstrap}}, nil
})

// counted is a runtime that counts how often it is released.
type counted struct {
	environment.Runtime

	released *atomic.Int32
}

func (c counted) Release() { c.released.Add(1) }

// A program is a runtime, from its start to its end.
type program func(r *runtime) sandbox.Exit

// runtime is a runtime process of the mem driver with its client.
type runtime struct {
	*mem.Proc
	ctx  context.Context
	conn net.Conn
	in   *bufio.Reader
}

func (p program) run(ctx context.Context, proc *mem.Proc) sandbox.Exit {
	r := &runtime{Proc: proc, ctx: ctx}
	if !r.dial() {
		return sandbox.Exit{Code: 99}
	}
	return p(r)
}

func (r *runtime) dial() bool {
	conn, err := r.Dial()
	if err != nil {
		return false
	}
	r.conn, r.in = conn, bufio.NewReader(conn)
	return true
}

// next polls. It reports false when the process is being killed.
func (r *runtime) next() (id, payload string, ok bool) {
	fmt.Fprintf(r.conn, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n")
	res, err := http.ReadResponse(r.in, nil)
	if err != nil {
		return "", "", false
	}
	body, err := io.ReadAll(res.Body)
	return res.Header.Get("Lambda-Runtime-Aws-Request-Id"), string(body), err == nil && res.StatusCode == http.StatusOK
}

// post sends a body to a path below /runtime/ and returns the status; 0 when
// the process is being killed.
func (r *runtime) post(path, body string) int {
	fmt.Fprintf(r.conn, "POST /2018-06-01/runtime/%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
	res, err := http.ReadResponse(r.in, nil)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

func (r *runtime) respond(id, body string) int { return r.post("invocation/"+id+"/response", body) }

// quiet closes the outputs. A process that has, does not keep the clock of a
// synctest bubble from moving: nobody waits for its pipes any more.
func (r *runtime) quiet() {
	r.Stdout.(io.Closer).Close()
	r.Stderr.(io.Closer).Close()
}

// hang does nothing until the process is killed.
func (r *runtime) hang() sandbox.Exit {
	r.quiet()
	<-r.ctx.Done()
	return sandbox.Exit{}
}

// serve handles every event, until the process is killed.
func (r *runtime) serve(handle func(id, payload string)) sandbox.Exit {
	for {
		id, payload, ok := r.next()
		if !ok {
			return sandbox.Exit{}
		}
		handle(id, payload)
	}
}

// echo answers every event with itself.
func echo(r *runtime) sandbox.Exit {
	return r.serve(func(id, payload string) { r.respond(id, payload) })
}

// journal is a Recorder that keeps what it gets as lines.
type journal struct {
	mu     sync.Mutex
	lines  []string
	events []hearth.PlatformEvent
	cut    int
	closed bool
	late   []string // came after Close
}

func (j *journal) add(line string) {
	j.lines = append(j.lines, line)
	if j.closed {
		j.late = append(j.late, line)
	}
}

func (j *journal) Record(ev *hearth.PlatformEvent) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.events = append(j.events, *ev)
	j.add(strings.TrimRight(strings.Join([]string{
		strings.TrimPrefix(string(ev.Kind), "platform."), ev.Phase + ev.RequestID + ev.Name, ev.State + ev.Status, ev.ErrorType,
	}, " "), " "))
}

func (j *journal) Output(source hearth.LogSource, line []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	mark := "> "
	if source == hearth.SourceExtension {
		mark = "x> "
	}
	j.add(mark + string(line))
}

func (j *journal) CutTail(wanted bool) []byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	tail := j.lines[j.cut:]
	j.cut = len(j.lines)
	if !wanted {
		return nil
	}
	return []byte(strings.Join(tail, "\n"))
}

// take returns the lines so far and forgets them.
func (j *journal) take() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	lines := j.lines
	j.lines, j.cut = nil, 0
	return lines
}

// report returns the last REPORT.
func (j *journal) report() hearth.PlatformEvent {
	j.mu.Lock()
	defer j.mu.Unlock()
	for i := len(j.events) - 1; i >= 0; i-- {
		if j.events[i].Kind == hearth.EventReport {
			return j.events[i]
		}
	}
	return hearth.PlatformEvent{}
}

// A fixture is an environment on the mem driver.
type fixture struct {
	*testing.T
	*environment.Environment
	driver   *mem.Driver
	journal  *journal
	starts   atomic.Int32 // of the runtime
	released atomic.Int32
}

// open opens an environment whose runtime is the first program when it is
// started first, and so on; the last one from then on.
func open(t *testing.T, programs ...program) *fixture {
	t.Helper()
	return openWith(t, func(*environment.Options) {}, programs...)
}

func openWith(t *testing.T, adjust func(*environment.Options), programs ...program) *fixture {
	t.Helper()
	return openPrograms(t, map[string]mem.Program{}, adjust, programs...)
}

// openPrograms opens an environment that can execute others, too.
func openPrograms(t *testing.T, all map[string]mem.Program, adjust func(*environment.Options), programs ...program) *fixture {
	t.Helper()
	f := &fixture{T: t, journal: &journal{}}
	all[bootstrap] = func(ctx context.Context, p *mem.Proc) sandbox.Exit {
		n := int(f.starts.Add(1))
		return programs[min(n, len(programs))-1].run(ctx, p)
	}
	f.driver = mem.New(mem.Options{Programs: all})
	opts := environment.Options{
		ID:       "env-1",
		Function: function(),
		Driver:   f.driver,
		Launch:   &environment.Launch{Runtime: bootstraps},
		Recorder: f.journal,
		InitType: "on-demand",
	}
	adjust(&opts)
	opts.Launch.Runtime = counted{opts.Launch.Runtime, &f.released}
	env, err := environment.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	f.Environment = env
	t.Cleanup(f.close)
	return f
}

func function() *hearth.Function {
	return &hearth.Function{
		Name:    hearth.Name{Account: "000000000000", Region: "us-east-1", Function: "f"},
		Version: hearth.Latest, Handler: "app.handler", MemorySize: 128, Timeout: 3,
		Logging: hearth.Logging{Format: hearth.LogText, Group: "/aws/lambda/f"},
	}
}

// close closes the environment and checks that nothing is left of it.
func (f *fixture) close() {
	f.Helper()
	if err := f.Close(); err != nil {
		f.Errorf("close: %v", err)
	}
	f.journal.mu.Lock()
	f.journal.closed = true
	f.journal.mu.Unlock()
	if n := len(f.driver.Open()); n != 0 {
		f.Errorf("%d sandboxes are left", n)
	}
	if n := f.released.Load(); n != 1 {
		f.Errorf("the launch was released %d times", n)
	}
	if got := f.State(); got != environment.Dead {
		f.Errorf("state %s after Close", got)
	}
	f.journal.mu.Lock()
	defer f.journal.mu.Unlock()
	if len(f.journal.late) > 0 {
		f.Errorf("recorded after Close: %q", f.journal.late)
	}
}

// ready runs the init phase, which must succeed.
func (f *fixture) ready() *fixture {
	f.Helper()
	if !f.Init() {
		f.Fatalf("init failed: %q", f.journal.take())
	}
	f.journal.take()
	return f
}

// An outcome is what one Invoke came to.
type outcome struct {
	hearth.Result
	err error
}

// A flight is an invocation in progress.
type flight struct {
	f     *fixture
	ended chan outcome  // one
	freed chan struct{} // one for each call of free
}

func (f *fixture) start(inv *hearth.Invocation) *flight {
	fl := &flight{f: f, ended: make(chan outcome, 1), freed: make(chan struct{}, 8)}
	go func() {
		res, err := f.Invoke(inv, func() { fl.freed <- struct{}{} })
		fl.ended <- outcome{res, err}
	}()
	return fl
}

// finish waits until the environment is free again.
func (fl *flight) finish() outcome {
	out := <-fl.ended
	<-fl.freed
	if len(fl.freed) > 0 {
		fl.f.Error("freed more than once")
	}
	return out
}

// invoke runs an event to its end.
func (f *fixture) invoke(id, payload string) outcome {
	return f.start(&hearth.Invocation{RequestID: id, Payload: []byte(payload)}).finish()
}

// wantPayload checks a success.
func (f *fixture) wantPayload(got outcome, payload string) {
	f.Helper()
	if got.err != nil || got.FunctionError != "" || got.ErrorType != "" || string(got.Payload) != payload {
		f.Errorf("got %s %s %q %v, want %s", got.FunctionError, got.ErrorType, got.Payload, got.err, payload)
	}
}

// wantFailure checks an answer of the platform.
func (f *fixture) wantFailure(got outcome, errorType, payload string) {
	f.Helper()
	if got.err != nil || got.FunctionError != hearth.Unhandled || got.ErrorType != errorType || string(got.Payload) != payload {
		f.Errorf("got %s %s %q %v, want %s %s", got.FunctionError, got.ErrorType, got.Payload, got.err, errorType, payload)
	}
}

// wantUsable checks that the environment serves an event, after a start of
// its runtime if need be. The program must echo.
func (f *fixture) wantUsable() {
	f.Helper()
	f.wantPayload(f.invoke("again", `"again"`), `"again"`)
	if got := f.State(); got != environment.Idle {
		f.Errorf("state %s", got)
	}
}

func (f *fixture) wantJournal(want ...string) {
	f.Helper()
	if diff := cmp.Diff(want, f.journal.take()); diff != "" {
		f.Errorf("journal (-want +got):\n%s", diff)
	}
}

// until polls for a condition that a real descriptor or process brings about.
func (f *fixture) until(what string, holds func() bool) {
	f.Helper()
	for deadline := time.Now().Add(10 * time.Second); !holds(); {
		if time.Now().After(deadline) {
			f.Fatalf("waited in vain: %s", what)
		}
	}
}

func exit(code int) program { return func(*runtime) sandbox.Exit { return sandbox.Exit{Code: code} } }
func die(sig syscall.Signal) program {
	return func(*runtime) sandbox.Exit { return sandbox.Exit{Signal: sig} }
}
func during(then program) program     { return func(r *runtime) sandbox.Exit { r.next(); return then(r) } }
func exitError(id, how string) string { return failure("Runtime.ExitError", id, how) }

func failure(errorType, id, message string) string {
	return `{"errorType":"` + errorType + `","errorMessage":"RequestId: ` + id + ` Error: ` + message + `"}`
}
