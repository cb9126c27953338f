package sandboxtest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/sandboxtest/probe"
)

// startCases are about making sandboxes and starting processes in them.
func startCases() []testCase {
	return []testCase{
		{name: "Create_CancelledContext_LeavesNothing", run: createCancelled},
		{name: "Create_Many_InParallel", run: createMany},
		{name: "RuntimeAPI_FirstProcess_FindsItOpen", run: func(b *bench) { b.box(b.spec()).usable() }},
		{name: "Start_Process_GetsArgsEnvAndOutput", run: startReport},
		{name: "Start_WithoutDir_RunsInTask", real: true, run: startInTask},
		{name: "Start_WithDir_RunsThere", real: true, run: startInDir},
		{name: "Start_NoStreams_GetsNull", run: startNull},
		{name: "Start_ContextEnds_ProcessGoesOn", run: startContextEnds},
		{name: "Start_MissingEntrypoint_IsErrEntrypoint", run: func(b *bench) { entrypoint(b, "no-such-program") }},
		{name: "Start_NotExecutable_IsErrEntrypoint", real: true, run: func(b *bench) { entrypoint(b, "plain.txt") }},
		{name: "Start_Directory_IsErrEntrypoint", real: true, run: func(b *bench) { entrypoint(b, ".") }},
		{name: "Start_MissingInterpreter_IsErrEntrypoint", real: true, run: func(b *bench) { entrypoint(b, "lost.sh") }},
		{name: "Start_MissingDir_IsErrWorkingDir", real: true, run: startMissingDir},
		{name: "Start_Process_InheritsNoDescriptors", real: true, linux: true, run: startDescriptors},
		{name: "Tmp_NewSandbox_IsEmptyAndItsOwn", real: true, run: tmpOwn},
	}
}

func createCancelled(b *bench) {
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	spec := b.spec()
	sb, err := b.driver.Create(ctx, spec)
	if err == nil {
		sb.Close()
		b.Fatal("created under a cancelled context")
	}
	if !errors.Is(err, context.Canceled) {
		b.Errorf("got %v, want context.Canceled", err)
	}
	b.noTraces(spec.ID)
}

func createMany(b *bench) {
	const n = 16
	var wg sync.WaitGroup
	boxes := make([]*box, n)
	for i := range n {
		wg.Go(func() {
			sb, err := b.driver.Create(b.Context(), b.spec())
			if err != nil {
				b.Errorf("create: %v", err)
				return
			}
			boxes[i] = b.adopt(sb)
		})
	}
	wg.Wait()
	// Each process names its sandbox to whoever accepts its connection: a
	// listener that hears another sandbox's process fails in echo.
	for _, x := range boxes {
		if x != nil {
			x.usable()
		}
	}
	for _, x := range boxes {
		wg.Go(func() {
			if x != nil && x.Close() != nil {
				b.Error("close failed")
			}
		})
	}
	wg.Wait()
}

func startReport(b *bench) {
	x := b.box(b.spec())
	cmd := x.command("report", "two words", "")
	cmd.Env = append(cmd.Env, "GREETING=a=b c", "EMPTY=")
	p, err := x.tryStart(cmd)
	if err != nil {
		b.Fatal(err)
	}
	if exit := p.exit(); exit != (sandbox.Exit{}) {
		b.Fatalf("report ended with %+v: %s", exit, p.errorText())
	}
	got := decodeReport(b, p.line())
	if diff := cmp.Diff(cmd.Args[1:], got.Args); diff != "" {
		b.Errorf("arguments (-want +got):\n%s", diff)
	}
	// A driver may add variables of its own: marks named after hearth, and the
	// way to a /tmp that is elsewhere.
	env := slices.DeleteFunc(got.Env, func(v string) bool {
		return strings.HasPrefix(v, "HEARTH_") || strings.HasPrefix(v, "TMPDIR=")
	})
	if diff := cmp.Diff(cmd.Env, env); diff != "" {
		b.Errorf("environment (-want +got):\n%s", diff)
	}
	if got := p.errorText(); got != "two words" {
		b.Errorf("standard error: %q", got)
	}
}

func startInTask(b *bench) {
	x := b.box(b.spec())
	var got probe.Report
	x.decode(&got, "report")
	sameDir(b, got.Dir, x.Paths().Task)
}

func startInDir(b *bench) {
	x := b.box(b.spec())
	cmd := x.command("report")
	cmd.Dir = x.Paths().Tmp
	p, err := x.tryStart(cmd)
	if err != nil {
		b.Fatal(err)
	}
	sameDir(b, decodeReport(b, p.line()).Dir, x.Paths().Tmp)
}

// sameDir compares directories as a process sees them. Where processes see
// the host's, a link may lead to the same one.
func sameDir(b *bench, got, want string) {
	b.Helper()
	if !b.caps.Files {
		if real, err := filepath.EvalSymlinks(want); err == nil {
			want = real
		}
	}
	if got != want {
		b.Errorf("working directory: got %s, want %s", got, want)
	}
}

func startNull(b *bench) {
	x := b.box(b.spec())
	p, err := x.Start(b.Context(), x.command("report", "nobody listens"))
	if err != nil {
		b.Fatal(err)
	}
	if exit := (&proc{Process: p, b: b}).exit(); exit != (sandbox.Exit{}) {
		b.Errorf("report ended with %+v", exit)
	}
}

func startContextEnds(b *bench) {
	x := b.box(b.spec())
	ctx, cancel := context.WithCancel(b.Context())
	p, err := x.Start(ctx, x.command("echo", x.ID()))
	cancel()
	if err != nil {
		b.Fatal(err)
	}
	e := &peer{Conn: x.accept(), b: b}
	e.Scanner = bufio.NewScanner(e.Conn)
	e.receive(patience) // hello
	e.send("ping")
	if got := e.receive(patience); got != "ping" {
		b.Errorf("the process answers %q", got)
	}
	select {
	case <-p.Done():
		b.Errorf("the process ended with the context of its start: %+v", p.Exit())
	default:
	}
}

func entrypoint(b *bench, name string) {
	x := b.box(b.spec())
	cmd := x.command()
	cmd.Args = []string{path.Join(x.Paths().Task, name)}
	if _, err := x.tryStart(cmd); !errors.Is(err, sandbox.ErrEntrypoint) {
		b.Errorf("got %v, want ErrEntrypoint", err)
	}
	x.usable()
}

func startMissingDir(b *bench) {
	x := b.box(b.spec())
	cmd := x.command("exit", "0")
	cmd.Dir = path.Join(x.Paths().Task, "no-such-directory")
	if _, err := x.tryStart(cmd); !errors.Is(err, sandbox.ErrWorkingDir) {
		b.Errorf("got %v, want ErrWorkingDir", err)
	}
	x.usable()
}

// startDescriptors checks that what the daemon has open stays its own, also
// where it was not opened close-on-exec.
func startDescriptors(b *bench) {
	secret, err := os.Open(b.suite.task)
	if err != nil {
		b.Fatal(err)
	}
	defer secret.Close()
	x := b.box(b.spec())
	b.box(b.spec()) // what the driver opened for it is not x's either
	if open := x.output("fds"); len(open) > 0 {
		b.Errorf("the process was born with descriptors: %q", open)
	}
}

func tmpOwn(b *bench) {
	x, other := b.box(b.spec()), b.box(b.spec())
	file := path.Join(x.Paths().Tmp, "mine")
	x.output("write", file, "x")
	if got := x.output("readable", x.Paths().Tmp); len(got) != 1 {
		b.Fatalf("the file is not in %s", x.Paths().Tmp)
	}
	if got := other.output("readable", other.Paths().Tmp); len(got) > 0 {
		b.Errorf("the other sandbox's /tmp is not empty")
	}
}

func decodeReport(b *bench, line string) probe.Report {
	b.Helper()
	var r probe.Report
	if err := json.Unmarshal([]byte(line), &r); err != nil {
		b.Fatalf("report %q: %v", line, err)
	}
	return r
}
