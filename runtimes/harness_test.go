package runtimes_test

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	hearth "github.com/hearthd/hearth"
	"github.com/hearthd/hearth/runtimes"
)

var update = flag.Bool("update", false, "rewrite the golden transcripts")

// patience bounds every wait for a real process on a busy machine.
const patience = 30 * time.Second

// event is one answer of the test's Runtime API to /invocation/next.
type event struct {
	id      string
	body    string
	header  map[string]string
	chunked bool
}

// post is what a runtime posted.
type post struct {
	path    string
	header  http.Header
	body    string
	trailer http.Header
}

// environment is a function on a real interpreter, with the test as its
// Runtime API.
type environment struct {
	t      *testing.T
	plan   *runtimes.Plan
	task   string
	events chan event
	posts  chan post
	polls  chan bool // true: a long poll began, false: one was lost
	log    *buffer
	server *httptest.Server
	cmd    *exec.Cmd
	exited chan struct{} // closed once cmd.Wait returned
	calls  int
	refuse atomic.Int32 // status of what is posted; 0: 202
}

// function describes what an environment runs.
type function struct {
	runtime string
	handler string
	files   map[string]string // relative to the task root
	layer   map[string]string // relative to /opt
	env     map[string]string
	set     *runtimes.Set
	next    func(http.ResponseWriter) // answers the first /next instead of an event
}

// start runs a function until the test ends.
func start(t *testing.T, fn function) *environment {
	t.Helper()
	set := fn.set
	if set == nil {
		set = hostSet(t)
	}
	plan, err := set.Plan(t.Context(), &hearth.Function{Runtime: fn.runtime, Handler: fn.handler, MemorySize: 256, Environment: fn.env})
	if err != nil {
		t.Fatalf("Plan: %v", err)
	}
	e := &environment{
		t:      t,
		plan:   plan,
		task:   write(t, fn.files),
		events: make(chan event, 16),
		posts:  make(chan post, 16),
		polls:  make(chan bool, 4096),
		log:    &buffer{},
		exited: make(chan struct{}),
	}
	e.server = httptest.NewServer(e.api(fn.next))
	t.Cleanup(e.server.Close)

	paths := runtimes.Paths{Task: e.task, Runtime: plan.RuntimeDir, Opt: write(t, fn.layer), Lang: plan.LangDir, Tmp: t.TempDir()}
	command := plan.Command(paths)
	e.cmd = exec.Command(command.Candidates[0][0], command.Candidates[0][1:]...)
	e.cmd.Dir = e.task
	e.cmd.Env = append([]string{
		"PATH=" + plan.LangDir + "/bin:/usr/bin:/bin",
		"LANG=en_US.UTF-8",
		"TZ=:UTC",
		"AWS_LAMBDA_RUNTIME_API=" + e.server.Listener.Addr().String(),
		"AWS_LAMBDA_FUNCTION_NAME=fn",
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=256",
		"AWS_LAMBDA_LOG_GROUP_NAME=/aws/lambda/fn",
		"AWS_LAMBDA_LOG_STREAM_NAME=stream",
		"LAMBDA_TASK_ROOT=" + e.task,
		"LAMBDA_RUNTIME_DIR=" + plan.RuntimeDir,
		"_HANDLER=" + fn.handler,
	}, command.Env...)
	for k, v := range fn.env {
		e.cmd.Env = append(e.cmd.Env, k+"="+v)
	}
	e.cmd.Stdout, e.cmd.Stderr = e.log, e.log
	if err := e.cmd.Start(); err != nil {
		t.Fatalf("start %v: %v", e.cmd.Args, err)
	}
	go func() { // ends with the process, which stop waits for
		defer close(e.exited)
		_ = e.cmd.Wait()
	}()
	t.Cleanup(e.stop)
	return e
}

// hostSet is one Set for all tests, so that interpreters are probed once.
var hostSet = func() func(t *testing.T) *runtimes.Set {
	var once sync.Once
	var set *runtimes.Set
	var err error
	return func(t *testing.T) *runtimes.Set {
		t.Helper()
		once.Do(func() {
			set, err = runtimes.New(runtimes.Options{Dir: bootstrapDir, Env: os.Environ()})
		})
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
}()

var bootstrapDir string

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "hearth-runtimes-")
	if err != nil {
		panic(err)
	}
	bootstrapDir = dir
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// each runs a test on every interpreter of a family that this host has.
func each(t *testing.T, f runtimes.Family, test func(t *testing.T, runtime string)) {
	t.Helper()
	found := hostSet(t).Interpreters(t.Context(), f)
	if len(found) == 0 {
		t.Fatalf("no %s interpreter on this host: these tests need one", f)
	}
	for _, interp := range found {
		i := slices.IndexFunc(runtimes.All(), func(r runtimes.Runtime) bool {
			return r.Family == f && r.Served && strings.HasPrefix(interp.Version+".", r.Version+".")
		})
		name := runtimes.All()[i].Name
		t.Run(name, func(t *testing.T) { test(t, name) })
	}
}

// newest returns the newest runtime of a family that this host can serve.
func newest(t *testing.T, f runtimes.Family) string {
	t.Helper()
	var name string
	for _, r := range runtimes.All() {
		if r.Family == f && r.Served && hostSet(t).Check(t.Context(), r.Name) == nil {
			name = r.Name
		}
	}
	if name == "" {
		t.Fatalf("no %s interpreter on this host: these tests need one", f)
	}
	return name
}

func (e *environment) api(first func(http.ResponseWriter)) http.Handler {
	mux := http.NewServeMux()
	var once sync.Once
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		answered := false
		if first != nil {
			once.Do(func() { first(w); answered = true })
		}
		if answered {
			return
		}
		e.polls <- true
		select {
		case ev := <-e.events:
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", ev.id)
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(time.Minute).UnixMilli()))
			w.Header().Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:fn")
			for k, v := range ev.header {
				w.Header().Set(k, v)
			}
			if !ev.chunked {
				w.Header().Set("Content-Length", fmt.Sprint(len(ev.body)))
			}
			_, _ = io.WriteString(w, ev.body)
		case <-r.Context().Done():
			e.polls <- false
		}
	})
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		if e.refuse.Load() == http.StatusRequestEntityTooLarge { // without reading it all
			w.Header().Set("Connection", "close")
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			e.posts <- post{path: r.URL.Path}
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			e.t.Errorf("read %s: %v", r.URL.Path, err)
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(cmp.Or(int(e.refuse.Load()), http.StatusAccepted))
		_, _ = io.WriteString(w, "{\"status\":\"OK\"}\n")
		e.posts <- post{path: r.URL.Path, header: r.Header, body: string(body), trailer: r.Trailer}
	})
	return mux
}

// send hands an event to the function and returns what it posts.
func (e *environment) send(ev event) post {
	e.t.Helper()
	e.calls++
	if ev.id == "" {
		ev.id = fmt.Sprintf("request-%d", e.calls)
	}
	e.events <- ev
	got := e.posted()
	if want := "/2018-06-01/runtime/invocation/" + ev.id + "/"; !strings.HasPrefix(got.path, want) {
		e.t.Fatalf("posted to %s, want %s*", got.path, want)
	}
	return got
}

// invoke is send, for a response: the handler must not fail.
func (e *environment) invoke(body string) string {
	e.t.Helper()
	got := e.send(event{body: body})
	if !strings.HasSuffix(got.path, "/response") {
		e.t.Fatalf("posted to %s: %s\nlog:\n%s", got.path, got.body, e.log)
	}
	return got.body
}

func (e *environment) posted() post {
	e.t.Helper()
	select {
	case p := <-e.posts:
		return p
	case <-time.After(patience):
		e.t.Fatalf("the runtime posted nothing; log:\n%s", e.log)
	case <-e.exited:
		select {
		case p := <-e.posts: // its last words
			return p
		default:
			e.t.Fatalf("the runtime exited (%v) and posted nothing; log:\n%s", e.cmd.ProcessState, e.log)
		}
	}
	return post{}
}

// polled waits until a long poll begins, or is lost.
func (e *environment) polled(want bool) {
	e.t.Helper()
	for {
		select {
		case began := <-e.polls:
			if began == want {
				return
			}
		case <-time.After(patience):
			e.t.Fatalf("no long poll; log:\n%s", e.log)
		}
	}
}

// exit waits for the runtime to end by itself and returns its status.
func (e *environment) exit() int {
	e.t.Helper()
	select {
	case <-e.exited:
		return e.cmd.ProcessState.ExitCode()
	case <-time.After(patience):
		e.t.Fatalf("the runtime does not exit; log:\n%s", e.log)
		return 0
	}
}

// stop kills the runtime; afterwards the log is complete.
func (e *environment) stop() {
	_ = e.cmd.Process.Kill()
	<-e.exited
}

// logged stops the runtime and returns its log with times and paths replaced.
func (e *environment) logged() string {
	e.stop()
	return e.mask(e.log.String())
}

var times = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z`)

// mask replaces what differs from run to run.
func (e *environment) mask(s string) string {
	s = strings.ReplaceAll(s, e.task, "/var/task")
	s = strings.ReplaceAll(s, e.plan.RuntimeDir, "/var/runtime")
	return times.ReplaceAllString(s, "TIME")
}

// transcript shows a post and the log behind it, as kept in testdata.
func (e *environment) transcript(p post) string {
	var b strings.Builder
	fmt.Fprintf(&b, "POST %s\nContent-Type: %s\n", p.path, p.header.Get("Content-Type"))
	if kind := p.header.Get("Lambda-Runtime-Function-Error-Type"); kind != "" {
		fmt.Fprintf(&b, "Lambda-Runtime-Function-Error-Type: %s\n", kind)
	}
	log := strings.NewReplacer("\r", "\\r", "\u00a0", "\\u00a0").Replace(e.logged())
	fmt.Fprintf(&b, "\n%s\n\nlog:\n%s", e.mask(p.body), log)
	return b.String()
}

// golden compares with testdata/NAME.txt.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// write makes a directory of files.
func write(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// buffer is a log that may be read while a process writes it.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
