package launch_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/node/launch"
	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/telemetry/logs"
)

// archives opens code; it makes a func launch.Code.
type archives func() (io.ReadCloser, error)

func (a archives) OpenCode(context.Context, string) (io.ReadCloser, error) { return a() }

// log keeps what the one function of a test logs.
type log struct {
	mu    sync.Mutex
	lines []string
}

func (l *log) Sink(*hearth.Function, string) logs.Sink { return l }
func (*log) Name() string                              { return "stream" }
func (l *log) Append(_ time.Time, message []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(message))
}

// opened returns a launcher of plain processes.
func opened(t *testing.T, o launch.Options) *launch.Launcher {
	t.Helper()
	o.Dir = t.TempDir()
	driver, err := launch.OpenDriver(launch.DriverOptions{Dir: o.Dir, Sandbox: launch.SandboxProcess, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := driver.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	if o.Logs == nil {
		o.Logs = &log{}
	}
	o.Driver, o.Network = driver, sandbox.NetworkNAT
	l, err := launch.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestOpenDriver_DirectoryThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	driver, err := launch.OpenDriver(launch.DriverOptions{Dir: file, Sandbox: launch.SandboxProcess, Logger: slog.New(slog.DiscardHandler)})
	if driver != nil || err == nil || !strings.Contains(err.Error(), "open sandbox process") {
		t.Errorf("%v, %v", driver, err)
	}
}

// Processes have the host's network: nothing leads them out but that.
func TestNetwork_WithoutAWayOut_IsNone(t *testing.T) {
	if got := opened(t, launch.Options{}).Network(); got != sandbox.NetworkNone {
		t.Errorf("network = %s", got)
	}
}

func TestPrepare_TriesTheHostAgain(t *testing.T) {
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	if _, err := z.Create("app.py"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	attempts := 0
	l := opened(t, launch.Options{Code: archives(func() (io.ReadCloser, error) {
		if attempts++; attempts < 3 {
			return nil, errors.New("busy for a moment")
		}
		return io.NopCloser(bytes.NewReader(archive.Bytes())), nil
	})})
	sum := sha256.Sum256(archive.Bytes())
	fn := &hearth.Function{Code: hearth.Code{Digest: hex.EncodeToString(sum[:]), Size: int64(archive.Len())}}
	if err := l.Prepare(t.Context(), fn); err != nil || attempts != 3 {
		t.Errorf("%d attempts: %v, want success with the third", attempts, err)
	}
}

func TestPrepare_FaultOfTheCaller_IsNotTriedAgain(t *testing.T) {
	attempts := 0
	l := opened(t, launch.Options{Code: archives(func() (io.ReadCloser, error) {
		attempts++
		return nil, hearth.Errorf(hearth.ErrInvalidZip, "no archive")
	})})
	fn := &hearth.Function{Code: hearth.Code{Digest: strings.Repeat("a", 64)}}
	if err := l.Prepare(t.Context(), fn); !errors.Is(err, hearth.ErrInvalidZip) || attempts != 1 {
		t.Errorf("%d attempts: %v, want one", attempts, err)
	}
}

func TestPrepare_Image_HasNothingToUnpack(t *testing.T) {
	if err := opened(t, launch.Options{}).Prepare(t.Context(), &hearth.Function{PackageType: hearth.PackageImage}); err != nil {
		t.Error(err)
	}
}

func TestOpen_Image_IsNotImplemented(t *testing.T) {
	fn := &hearth.Function{Name: hearth.Name{Function: "f"}, PackageType: hearth.PackageImage, MemorySize: 128}
	if _, err := opened(t, launch.Options{}).Open(t.Context(), fn, hearth.InitOnDemand); !errors.Is(err, hearth.ErrNotImplemented) {
		t.Errorf("%v", err)
	}
}

// polls is a Runtime API client in the shell: it answers one event with what its
// environment says.
const polls = `#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
id=$(curl -s -D - -o /dev/null "$api/next" | tr -d '\r' | sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: //p')
curl -s -o /dev/null -d "\"$GREETING from $1, as $AWS_ACCESS_KEY_ID\"" "$api/$id/response"
exec curl -s "$api/next"
`

func TestOpen_Program_RunsInThePlaceOfTheRuntime(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(program, []byte(polls), 0o700); err != nil { //nolint:gosec // it is executed
		t.Fatal(err)
	}
	logged := &log{}
	l := opened(t, launch.Options{
		Program: &launch.Program{Args: []string{program, "argument"}, Env: []string{"GREETING=hello", "PATH=" + os.Getenv("PATH")}},
		Logs:    logged,
	})
	fn := &hearth.Function{
		Name: hearth.Name{Account: "012345678912", Region: "us-east-1", Function: "f"}, Version: hearth.Latest,
		Timeout: 30, MemorySize: 128, Code: hearth.Code{Dir: t.TempDir()},
	}
	env, err := l.Open(t.Context(), fn, hearth.InitOnDemand)
	if err != nil {
		t.Fatal(err)
	}
	if !env.Init() {
		t.Fatalf("the program did not ask for an event; its log: %q", logged.lines)
	}
	res, err := env.Begin(&hearth.Invocation{RequestID: "00000000-0000-4000-8000-000000000001", Payload: []byte("{}"), Tail: true}, func() {})()
	if want := `"hello from argument, as "`; err != nil || string(res.Payload) != want {
		t.Errorf("%s, %v, want %s", res.Payload, err, want)
	}
	if err := env.Close(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(strings.Join(logged.lines, "\n"), "START RequestId") {
		t.Errorf("the log: %q", logged.lines)
	}
}
