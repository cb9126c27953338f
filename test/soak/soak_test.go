package soak_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthd/hearth/test/compat/daemon"
	"github.com/hearthd/hearth/test/compile"
	"github.com/hearthd/hearth/test/deployment"
)

// callers is how many there are at a time.
const callers = 6

// A session is a daemon, its functions, and what came of their invocations.
type session struct {
	daemon   *daemon.Daemon
	client   *lambda.Client
	dir      string // of its data
	mark     string // in the environment of its functions
	profiles string
	pid      string
	program  string // what its functions run

	code, layer []byte
	next        atomic.Int64 // numbers events
	killed      atomic.Int64

	mu        sync.Mutex
	deletions map[string]int // by function; odd while it is deleted
	counts    map[string]int
	wrong     []string // what must not have happened
}

// names are the functions: the last two have an extension.
func names() []string { return []string{"plain", "second", "extended", "shipping"} }

func soak(t *testing.T, sandbox string) {
	s := open(t, sandbox)
	for _, name := range names() {
		s.create(t, name)
		s.invoke(t.Context(), name, "answer", false) // what is made once is made now
	}
	s.dropAll(t)
	before := s.settled(t)

	ctx, cancel := context.WithTimeout(t.Context(), *soakTime)
	defer cancel()
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() { s.load(ctx) })
	}
	wg.Go(func() { s.kill(ctx) })
	wg.Go(func() { s.change(ctx) })
	wg.Wait()

	for _, name := range names() {
		s.recover(t, name)
	}
	t.Logf("%v, killed %d processes", s.counts, s.killed.Load())
	for _, wrong := range s.wrong {
		t.Error(wrong)
	}
	if s.counts["answered"] == 0 || s.counts["broken"] == 0 || s.killed.Load() == 0 {
		t.Error("too little happened")
	}
	s.dropAll(t)
	s.expectNoLeaks(t, before)
	for _, name := range names() {
		s.expectOnce(t, name)
	}
}

// open builds and starts everything.
func open(t *testing.T, sandbox string) *session {
	t.Helper()
	bin := t.TempDir()
	binary, err := daemon.Build(t.Context(), bin)
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(bin, "actor")
	if err := compile.Program(t.Context(), "test/soak/actor", program); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &session{dir: t.TempDir(), program: program, profiles: l.Addr().String(), counts: map[string]int{}, deletions: map[string]int{}}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s.mark = s.dir
	s.code, s.layer = pack(t, program, "bootstrap"), pack(t, program, "extensions/ship")
	s.daemon, err = daemon.Start(binary, daemon.Options{Dir: s.dir, Flags: []string{"--sandbox", sandbox, "--debug-listen", s.profiles}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.daemon.Stop(); err != nil {
			t.Error(err)
		}
		if left := s.processes(); len(left) > 0 {
			t.Errorf("the daemon left processes: %v", left)
		}
	})
	s.pid = s.daemonPID(t)
	s.client = lambda.New(lambda.Options{
		Region: "us-east-1", BaseEndpoint: &s.daemon.Endpoint,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	})
	return s
}

// daemonPID finds the daemon by its command line: rootless, it is not the
// process that was started.
func (s *session) daemonPID(t *testing.T) string {
	t.Helper()
	paths, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		line, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(line), "serve\x00--data-dir\x00"+s.dir+"\x00") {
			return filepath.Base(filepath.Dir(path))
		}
	}
	t.Fatal("the daemon is not there")
	return ""
}

func pack(t *testing.T, program, as string) []byte {
	t.Helper()
	content, err := os.ReadFile(program)
	if err == nil {
		content, err = deployment.Zip(map[string][]byte{as: content})
	}
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func (s *session) create(t *testing.T, name string) {
	t.Helper()
	if err := s.tryCreate(t.Context(), name); err != nil {
		t.Fatal(err)
	}
}

func (s *session) tryCreate(ctx context.Context, name string) error {
	in := &lambda.CreateFunctionInput{
		FunctionName: &name, Runtime: types.RuntimeProvidedal2023, Handler: aws.String("h"), Role: aws.String("arn:aws:iam::000000000000:role/r"),
		Timeout: aws.Int32(2), MemorySize: aws.Int32(256), Code: &types.FunctionCode{ZipFile: s.code},
		Environment: &types.Environment{Variables: map[string]string{"SOAK": s.mark}},
	}
	if name == "extended" || name == "shipping" {
		out, err := s.client.PublishLayerVersion(ctx, &lambda.PublishLayerVersionInput{
			LayerName: aws.String("ship"), Content: &types.LayerVersionContentInput{ZipFile: s.layer},
		})
		if err != nil {
			return fmt.Errorf("publish the extension: %w", err)
		}
		in.Layers = []string{*out.LayerVersionArn}
	}
	_, err := s.client.CreateFunction(ctx, in)
	return err
}

// dropAll changes every function, which ends its environments.
func (s *session) dropAll(t *testing.T) {
	t.Helper()
	for _, name := range names() {
		if err := s.update(t.Context(), name); err != nil {
			t.Error(err)
		}
	}
}

func (s *session) update(ctx context.Context, name string) error {
	_, err := s.client.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: &name,
		Environment:  &types.Environment{Variables: map[string]string{"SOAK": s.mark, "CHANGED": strconv.FormatInt(s.next.Add(1), 10)}},
	})
	return err
}

// load invokes until ctx ends.
func (s *session) load(ctx context.Context) {
	for ctx.Err() == nil {
		do, leave := "answer", false
		switch n := rand.IntN(100); {
		case n < 3:
			do = "exit"
		case n < 4:
			do = "hang"
		case n < 20:
			do = "stream"
		case n < 25:
			leave = true
		}
		// The last ones are waited for after the end, too.
		s.invoke(context.WithoutCancel(ctx), names()[rand.IntN(len(names()))], do, leave)
	}
}

// invoke sends one event, and judges what comes back. With leave the caller
// goes away while the function works.
func (s *session) invoke(ctx context.Context, name, do string, leave bool) (answered bool) {
	patience := time.Minute
	if leave {
		patience = time.Duration(rand.IntN(20)) * time.Millisecond
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	event := fmt.Sprintf(`{"id":"%s-%d","do":"%s"}`, name, s.next.Add(1), do)
	deletions := s.deletionsOf(name)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.daemon.Endpoint+"/2015-03-31/functions/"+name+"/invocations", strings.NewReader(event))
	if err != nil {
		s.fail("%v", err)
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	var body []byte
	if err == nil {
		body, err = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
	}
	switch {
	case err != nil && leave:
		s.count("left")
	case err != nil:
		s.fail("%s: %v", event, err)
	case (resp.StatusCode == http.StatusNotFound || resp.StatusCode == http.StatusConflict) &&
		(deletions%2 == 1 || s.deletionsOf(name) != deletions):
		s.count("deleted") // for the moment
	case resp.StatusCode != http.StatusOK:
		s.fail("%s: %s %s", event, resp.Status, body)
	case resp.Header.Get("X-Amz-Function-Error") != "":
		s.judgeFailure(event, resp.Header.Get("X-Amzn-Requestid"), body)
	case string(body) != event:
		s.fail("%s was answered %s", event, body)
	default:
		s.count("answered")
		return true
	}
	return false
}

// judgeFailure takes only failures of what the test breaks, with their own
// request id.
func (s *session) judgeFailure(event, id string, body []byte) {
	var failure struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal(body, &failure); err != nil || !strings.HasPrefix(failure.ErrorMessage, "RequestId: "+id+" Error: ") {
		s.fail("%s: failed with %s", event, body)
		return
	}
	s.count("broken")
	switch failure.ErrorType {
	case "Sandbox.Timedout", "Runtime.ExitError", "Extension.Crash":
		s.count(failure.ErrorType)
	default:
		s.fail("%s: failed with %s", event, body)
	}
}

// kill kills a process of a function now and then.
func (s *session) kill(ctx context.Context) {
	s.every(ctx, 150*time.Millisecond, func() {
		if pids := s.processes(); len(pids) > 0 && syscall.Kill(pids[rand.IntN(len(pids))], syscall.SIGKILL) == nil {
			s.killed.Add(1)
		}
	})
}

// change updates a function now and then, or deletes and creates one.
func (s *session) change(ctx context.Context) {
	s.every(ctx, 700*time.Millisecond, func() {
		name, ctx := names()[rand.IntN(len(names()))], context.WithoutCancel(ctx)
		if rand.IntN(3) > 0 {
			if err := s.update(ctx, name); err != nil {
				s.fail("update %s: %v", name, err)
			}
			return
		}
		s.countDeletion(name)
		defer s.countDeletion(name)
		_, err := s.client.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &name})
		if err == nil {
			err = s.tryCreate(ctx, name)
		}
		if err != nil {
			s.fail("delete and create %s: %v", name, err)
		}
	})
}

func (*session) every(ctx context.Context, interval time.Duration, do func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do()
		}
	}
}

// recover expects that a function answers again, at the latest after what the
// last kills broke.
func (s *session) recover(t *testing.T, name string) {
	t.Helper()
	for range 2 * callers {
		if s.invoke(t.Context(), name, "answer", false) {
			return
		}
	}
	t.Errorf("%s does not answer any more", name)
}

func (s *session) deletionsOf(name string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deletions[name]
}

// countDeletion is for the begin of a deletion, and for its end.
func (s *session) countDeletion(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deletions[name]++
}

func (s *session) count(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[what]++
}

// fail keeps the first faults.
func (s *session) fail(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts["wrong"]++
	if len(s.wrong) < 20 {
		s.wrong = append(s.wrong, fmt.Sprintf(format, args...))
	}
}
