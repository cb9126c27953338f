package launch_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/invoke/pool"
	"github.com/hearthd/hearth/node/launch"
	"github.com/hearthd/hearth/runtimes"
	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/mem"
)

// packed are archives by digest: it is launch.Code.
type packed map[string][]byte

// add returns the digest and size of an archive that is added.
func (p packed) add(archive []byte) hearth.Code {
	sum := sha256.Sum256(archive)
	c := hearth.Code{Digest: hex.EncodeToString(sum[:]), Size: int64(len(archive))}
	p[c.Digest] = archive
	return c
}

func (p packed) OpenCode(_ context.Context, digest string) (io.ReadCloser, error) {
	if content, ok := p[digest]; ok {
		return io.NopCloser(bytes.NewReader(content)), nil
	}
	return nil, hearth.Errorf(hearth.ErrNotFound, "no archive %s", digest)
}

// pack returns an archive of executable files, by their names.
func pack(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range files {
		header := &zip.FileHeader{Name: name}
		header.SetMode(0o755)
		w, err := z.CreateHeader(header)
		if err == nil {
			_, err = io.WriteString(w, text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// station is a launcher in a bubble. Its sandboxes are in memory.
type station struct {
	*testing.T
	*launch.Launcher
	driver *mem.Driver
	code   packed
	task   hearth.Code // of function
	log    *log
	asked  chan map[string]string // the environment of each runtime that is ready
}

// inMemory runs a test with a station, which must leave nothing.
func inMemory(t *testing.T, change func(*launch.Options), test func(*station)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := &station{T: t, log: &log{}, asked: make(chan map[string]string, 1), code: packed{}}
		s.task = s.code.add(pack(t, map[string]string{"bootstrap": "of the task"}))
		s.driver = mem.New(mem.Options{Programs: map[string]mem.Program{"/var/task/bootstrap": s.run}})
		o := launch.Options{Dir: dir, Driver: s.driver, Code: s.code, Logs: s.log, Network: sandbox.NetworkNone}
		if change != nil {
			change(&o)
		}
		var err error
		if s.Launcher, err = launch.New(o); err != nil {
			t.Fatal(err)
		}
		test(s)
		if n := len(s.driver.Open()); n > 0 {
			t.Errorf("%d sandboxes are left", n)
		}
		if err := s.driver.Close(); err != nil {
			t.Error(err)
		}
	})
}

// function returns a function whose bootstrap is run in memory.
func (s *station) function() *hearth.Function {
	fn := &hearth.Function{
		Name: hearth.Name{Account: "012345678912", Region: "us-east-1", Function: "f"}, Version: hearth.Latest,
		Runtime: "provided.al2023", Handler: "any", Timeout: 3, MemorySize: 1769, EphemeralStorage: 512, Code: s.task,
	}
	fn.Logging.Group, fn.Logging.Format = fn.Name.LogGroup(), hearth.LogText
	return fn
}

// layer returns a layer of files.
func (s *station) layer(files map[string]string) hearth.Layer {
	s.Helper()
	c := s.code.add(pack(s.T, files))
	return hearth.Layer{Digest: c.Digest, Size: c.Size}
}

// segment is what the runtime tells the X-Ray daemon.
const segment = `{"trace_id":"1-00000000-000000000000000000000001","id":"0000000000000001","name":"x","start_time":1,"end_time":2}`

// run sends a segment to the X-Ray daemon and asks for an event.
func (s *station) run(_ context.Context, p *mem.Proc) sandbox.Exit {
	conn, err := p.Dial()
	if err != nil {
		return sandbox.Exit{Code: 1}
	}
	p.Stdout.(io.Closer).Close() // the clock of the bubble moves
	p.Stderr.(io.Closer).Close()
	env := map[string]string{}
	for _, name := range []string{"AWS_XRAY_DAEMON_ADDRESS", "AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_INITIALIZATION_TYPE"} {
		env[name] = p.Getenv(name)
	}
	if err := p.Send(2000, []byte("{\"format\":\"json\",\"version\":1}\n"+segment)); err != nil {
		env["send"] = err.Error()
	}
	s.asked <- env
	fmt.Fprint(conn, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n")
	_, _ = http.ReadResponse(bufio.NewReader(conn), nil) // it is killed
	return sandbox.Exit{}
}

// opened opens an environment and initializes it. The caller closes it.
func (s *station) opened(fn *hearth.Function) (pool.Environment, map[string]string) {
	s.Helper()
	env, err := s.Open(s.Context(), fn, hearth.InitOnDemand)
	if err != nil {
		s.Fatal(err)
	}
	if !env.Init() {
		s.Fatalf("init failed: %q", s.log.lines)
	}
	return env, <-s.asked
}

func (s *station) close(env pool.Environment) {
	s.Helper()
	if err := env.Close(); err != nil {
		s.Error(err)
	}
}

// files are the contents of a directory by name.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, e := range entries {
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		found[e.Name()] = string(text)
	}
	return found
}

func TestOpen_TheSandboxIsTheFunctions(t *testing.T) {
	inMemory(t, nil, func(s *station) {
		env, _ := s.opened(s.function())
		spec := s.driver.Open()[0].Spec()
		if diff := cmp.Diff(map[string]string{"bootstrap": "of the task"}, files(s.T, spec.Task)); diff != "" {
			s.Errorf("task (-want +got):\n%s", diff)
		}
		got := sandbox.Spec{MemoryBytes: spec.MemoryBytes, CPU: spec.CPU, TmpBytes: spec.TmpBytes, Network: spec.Network, Opt: spec.Opt}
		want := sandbox.Spec{MemoryBytes: 1769 << 20, CPU: 1, TmpBytes: 512 << 20, Network: sandbox.NetworkNone}
		if diff := cmp.Diff(want, got); diff != "" {
			s.Errorf("limits (-want +got):\n%s", diff)
		}
		s.close(env)
	})
}

func TestOpen_Layers_TheLastOneWins(t *testing.T) {
	inMemory(t, nil, func(s *station) {
		fn := s.function()
		fn.Layers = []hearth.Layer{
			s.layer(map[string]string{"both": "one", "one": "one"}), s.layer(map[string]string{"both": "other"}),
		}
		env, _ := s.opened(fn)
		if diff := cmp.Diff(map[string]string{"both": "other", "one": "one"}, files(s.T, s.driver.Open()[0].Spec().Opt)); diff != "" {
			s.Errorf("/opt (-want +got):\n%s", diff)
		}
		s.close(env)
	})
}

func TestOpen_LayerThatIsGone(t *testing.T) {
	inMemory(t, nil, func(s *station) {
		fn := s.function()
		fn.Layers = []hearth.Layer{{Digest: strings.Repeat("d", 64), Size: 1}}
		_, err := s.Open(s.Context(), fn, hearth.InitOnDemand)
		if !errors.Is(err, hearth.ErrNotFound) || !strings.Contains(err.Error(), "unpack layers of 012345678912/us-east-1/f") {
			s.Errorf("%v", err)
		}
	})
}

// In the bubble, what subscribes to its telemetry would be found.
func TestOpen_SandboxThatCannotBeMade_LeavesNothing(t *testing.T) {
	inMemory(t, nil, func(s *station) {
		if err := s.driver.Close(); err != nil {
			s.Fatal(err)
		}
		if _, err := s.Open(s.Context(), s.function(), hearth.InitOnDemand); !errors.Is(err, sandbox.ErrClosed) {
			s.Errorf("%v", err)
		}
	})
}

func TestOpen_UnknownRuntime(t *testing.T) {
	inMemory(t, nil, func(s *station) {
		fn := s.function()
		fn.Runtime = "cobol"
		if _, err := s.Open(s.Context(), fn, hearth.InitOnDemand); err == nil || !strings.Contains(err.Error(), "cobol") {
			s.Errorf("%v", err)
		}
	})
}

// segments keeps what is told to the X-Ray daemon.
type segments chan string

func (s segments) Add(segment []byte) { s <- string(segment) }

func TestOpen_Traces_TheEnvironmentHasAnXRayDaemon(t *testing.T) {
	kept := make(segments, 1)
	inMemory(t, func(o *launch.Options) { o.Traces = kept }, func(s *station) {
		env, of := s.opened(s.function())
		if of["AWS_XRAY_DAEMON_ADDRESS"] != "169.254.100.1:2000" {
			s.Errorf("its address: %+v", of)
		}
		synctest.Wait()
		select {
		case got := <-kept:
			if got != segment {
				s.Errorf("it was told %s", got)
			}
		default:
			s.Errorf("it was told nothing: %+v", of)
		}
		s.close(env)
	})
}

func TestOpen_NoTraces_NoXRayDaemon(t *testing.T) {
	inMemory(t, nil, func(s *station) {
		env, of := s.opened(s.function())
		if of["send"] == "" {
			s.Errorf("somebody listens: %+v", of)
		}
		s.close(env)
	})
}

// Lines of several invocations can only be told apart in JSON.
func TestOpen_ManagedInstances_LogJSON(t *testing.T) {
	inMemory(t, nil, func(s *station) {
		fn := s.function()
		fn.Managed = &hearth.ManagedInstances{MaxConcurrency: 2}
		fn.Logging.SystemLevel = "DEBUG"
		env, of := s.opened(fn)
		if of["AWS_LAMBDA_LOG_FORMAT"] != "JSON" {
			s.Errorf("the runtime is told %+v", of)
		}
		if _, ok := env.(*environment.MultiConcurrent); !ok {
			s.Errorf("it is a %T", env)
		}
		s.close(env)
		if len(s.log.lines) == 0 {
			s.Error("it logs nothing")
		}
		for _, line := range s.log.lines {
			if !json.Valid([]byte(line)) {
				s.Errorf("%s is not JSON", line)
			}
		}
		if fn.Logging.Format != hearth.LogText {
			s.Error("the function itself was changed")
		}
	})
}

func TestOpen_Substitute_IsSaidInItsLog(t *testing.T) {
	substitutes, err := runtimes.ParseSubstitutes("provided.al2=provided.al2023")
	if err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	inMemory(t, func(o *launch.Options) {
		o.Runtimes.Substitutes, o.Logger = substitutes, slog.New(slog.NewTextHandler(&logged, nil))
	}, func(s *station) {
		fn := s.function()
		fn.Runtime = "provided.al2"
		env, _ := s.opened(fn)
		s.close(env)
		if text := strings.Join(s.log.lines, "\n"); !strings.Contains(text, "hearth: provided.al2 is served by provided.al2023") {
			s.Errorf("the function's log: %s", text)
		}
		if !strings.Contains(logged.String(), "provided.al2 is served by provided.al2023") {
			s.Errorf("hearth's log: %s", logged.String())
		}
	})
}

func TestOpen_OtherArchitecture_IsSaidInItsLog(t *testing.T) {
	inMemory(t, nil, func(s *station) {
		fn, other := s.function(), "arm64"
		if runtime.GOARCH == other {
			other = "x86_64"
		}
		fn.Architectures = []string{other}
		env, _ := s.opened(fn)
		s.close(env)
		if text := strings.Join(s.log.lines, "\n"); !strings.Contains(text, "hearth: the function is for "+other) {
			s.Errorf("the function's log: %s", text)
		}
	})
}
