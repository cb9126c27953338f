package clients_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// patience is how long anything but a build may take. Machines that run tests
// are busy, and a JVM on a share of one core is slow to start.
const patience = time.Minute

// server is a hearth that serves invocations over HTTP.
type server struct {
	cmd     *exec.Cmd
	log     *os.File // its standard error
	address string   // as it printed it
}

// startServer returns when the program has printed where it listens: announced
// matches that with one group.
func startServer(cmd *exec.Cmd, logFile string, announced *regexp.Regexp) (*server, error) {
	log, err := os.Create(logFile)
	if err != nil {
		return nil, err
	}
	cmd.Stderr, cmd.WaitDelay = log, 2*time.Second
	s := &server{cmd: cmd, log: log}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		text, err := s.text()
		if match := announced.FindStringSubmatch(text); match != nil {
			s.address = match[1]
			return s, nil
		}
		if err != nil || time.Now().After(deadline) {
			return nil, fmt.Errorf("%v does not say where it listens: %w; it printed:\n%s", cmd.Args, errors.Join(err, s.stop()), text)
		}
	}
}

// text is what the program has printed so far.
func (s *server) text() (string, error) {
	text, err := os.ReadFile(s.log.Name())
	return string(text), err
}

// stop ends the program and waits for it; one that does not end in time is
// killed, which is an error.
func (s *server) stop() error {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // it may have ended, which Wait says
	impatient := time.AfterFunc(patience, func() { _ = s.cmd.Process.Kill() })
	defer impatient.Stop()
	if err := errors.Join(s.cmd.Wait(), s.log.Close()); err != nil {
		text, _ := s.text()
		return fmt.Errorf("%v: %w; it printed:\n%s", s.cmd.Args, err, text)
	}
	return nil
}

// daemon is a `hearth serve` in a directory of its own.
type daemon struct {
	*server
	client *lambda.Client
	groups []string // cgroup directories of its sandboxes, as it recorded them
}

func startDaemon(dir string, flags ...string) (*daemon, error) {
	args := append([]string{"serve", "--data-dir", dir, "--listen", "127.0.0.1:0", "--sandbox", "namespace"}, flags...)
	cmd := exec.Command(hearthBinary, args...)
	s, err := startServer(cmd, dir+".log", regexp.MustCompile(`msg="hearth is ready" endpoint=(\S+)`))
	if err != nil {
		return nil, err
	}
	// A host without control groups has no record of them.
	record, err := os.ReadFile(filepath.Join(dir, "sandbox", "namespace", "cgroups"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errors.Join(err, s.stop())
	}
	// It does not retry: hearth has to be right at the first attempt.
	client := lambda.New(lambda.Options{
		Region: "us-east-1", BaseEndpoint: &s.address, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider("x", "x", ""),
	})
	return &daemon{s, client, strings.Fields(string(record))}, nil
}

// stop ends the daemon. Control groups that it leaves are an error: they are
// there for as long as a process of a function is.
func (d *daemon) stop() error {
	err := d.server.stop()
	for _, group := range d.groups {
		if _, statErr := os.Stat(group); statErr == nil {
			err = errors.Join(err, fmt.Errorf("hearth left %s behind", group))
		}
	}
	return err
}

// function is a deployed function.
type function struct {
	d    *daemon
	name string
}

const (
	timeoutSeconds = 30   // unless a test is about that
	memoryMB       = 1769 // one core, which a JVM needs to start in time
)

// deploy makes a function of a package, with the command line.
func (d *daemon) deploy(t *testing.T, dir, handler string, timeoutSeconds int) function {
	t.Helper()
	fn, err := d.tryDeploy(t, dir, handler, "provided.al2023", timeoutSeconds)
	if err != nil {
		t.Fatal(err)
	}
	return fn
}

func (d *daemon) tryDeploy(t *testing.T, dir, handler, runtime string, timeoutSeconds int) (function, error) {
	t.Helper()
	name := strings.ReplaceAll(t.Name(), "/", "-")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, hearthBinary, "deploy", dir, "--endpoint", d.address, "--name", name, "--runtime", runtime,
		"--handler", handler, "--timeout", fmt.Sprint(timeoutSeconds), "--memory", fmt.Sprint(memoryMB))
	if out, err := cmd.CombinedOutput(); err != nil {
		return function{}, fmt.Errorf("deploy: %w\n%s", err, out)
	}
	return function{d, name}, nil
}

// result is the answer to an invocation.
type result struct {
	Payload       string
	FunctionError string
	Log           string
	RequestID     string
}

// invoke invokes the function, with the tail of its log.
func (f function) invoke(t *testing.T, event string, options ...func(*lambda.InvokeInput)) result {
	t.Helper()
	res, err := f.tryInvoke(t.Context(), event, options...)
	if err != nil {
		t.Fatalf("invoke %s with %.100s: %v", f.name, event, err)
	}
	return res
}

func (f function) tryInvoke(ctx context.Context, event string, options ...func(*lambda.InvokeInput)) (result, error) {
	in := &lambda.InvokeInput{FunctionName: &f.name, Payload: []byte(event), LogType: types.LogTypeTail}
	for _, option := range options {
		option(in)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out, err := f.d.client.Invoke(ctx, in)
	if err != nil {
		return result{}, err
	}
	log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
	id, _ := middleware.GetRequestIDMetadata(out.ResultMetadata)
	return result{string(out.Payload), aws.ToString(out.FunctionError), string(log), id}, err
}

// startRIE serves a program with `hearth rie` until the test ends.
func startRIE(t *testing.T, dir string, program ...string) *server {
	t.Helper()
	cmd := exec.Command(hearthBinary, append([]string{"rie", "--listen", "127.0.0.1:0"}, program...)...)
	cmd.Dir = dir
	s, err := startServer(cmd, filepath.Join(t.TempDir(), "log"), regexp.MustCompile(`listening on (http://\S+)`))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// post sends an event, as one does to AWS's emulator, and returns the answer.
func (s *server) post(event string) (string, error) {
	client := &http.Client{Timeout: patience}
	defer client.CloseIdleConnections()
	resp, err := client.Post(s.address, "application/json", strings.NewReader(event))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}
