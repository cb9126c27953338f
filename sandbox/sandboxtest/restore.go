package sandboxtest

import (
	"bufio"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/hearthd/hearth/sandbox"
)

// restoreCases are about snapshots of the processes of a sandbox, and what is
// restored from them: the part "Restorer" of the suite.
func restoreCases() []testCase {
	return []testCase{
		{name: "Restore_Process_GoesOnWhereItWas", run: restoreGoesOn},
		{name: "Restore_Process_WritesToItsOwnStreams", run: restoreStreams},
		{name: "Restore_Many_AreApart", run: restoreMany},
		{name: "Restore_ManyProcesses_KeepTheirOrder", run: restoreOrder},
		{name: "Restore_KillAllThenRestore_Works", run: restoreKillAll},
		{name: "Restore_Close_EndsTheProcess", run: restoreClose},
		{name: "Restore_ContextEnds_ProcessGoesOn", run: restoreContextEnds},
		{name: "Restore_CancelledContext_LeavesTheSandboxUsable", run: restoreCancelled},
		{name: "Restore_DamagedSnapshot_IsErrSnapshotInvalid", run: restoreDamaged},
		{name: "Restore_NoSnapshot_IsErrSnapshotInvalid", run: restoreNothing},
		{name: "Restore_WrongNumberOfStreams_Fails", run: restoreWrongStreams},
		{name: "Restore_BesideAProcess_Fails", run: restoreBeside},
		{name: "Restore_ClosedSandbox_IsErrClosed", run: restoreClosed},
		{name: "Snapshot_Process_GoesOn", run: snapshotGoesOn},
		{name: "Snapshot_ListeningProcess_IsErrNotRestorable", run: snapshotListening},
		{name: "Snapshot_ClosedSandbox_IsErrClosed", run: snapshotClosed},
	}
}

func restorerClaimed(b *bench) {
	if _, ok := b.box(b.spec()).Sandbox.(sandbox.Restorer); ok != b.caps.Restore {
		b.Errorf("sandbox is a Restorer: %v; driver claims Restore: %v", ok, b.caps.Restore)
	}
}

// tally starts the verb "tally" and takes its connection.
func (x *box) tally(name string) (*proc, *peer) {
	x.b.Helper()
	p := x.start("tally", name)
	e := x.peer()
	if got, want := e.receive(patience), "hello "+name; got != want {
		x.b.Fatalf("the process said %q, want %q", got, want)
	}
	return p, e
}

// peer takes the next connection to the Runtime API.
func (x *box) peer() *peer {
	x.b.Helper()
	conn := x.accept()
	return &peer{Conn: conn, Scanner: bufio.NewScanner(conn), b: x.b}
}

// counts sends lines to a "tally" and checks that these are the answers.
func (e *peer) counts(want ...string) {
	e.b.Helper()
	for _, n := range want {
		e.send("one more")
		if got := e.receive(patience); got != n {
			e.b.Fatalf("the process has counted %q, want %q", got, n)
		}
	}
}

// snapshot makes one of the sandbox, which must succeed.
func (x *box) snapshot() (dir string) {
	x.b.Helper()
	dir = x.b.TempDir()
	if err := x.Sandbox.(sandbox.Restorer).Snapshot(x.b.bounded(), dir); err != nil {
		x.b.Fatalf("snapshot: %v", err)
	}
	return dir
}

// counted makes a snapshot of a "tally" that has counted to two.
func (b *bench) counted() (dir string) {
	b.Helper()
	x := b.box(b.spec())
	p, e := x.tally("original")
	e.counts("1", "2")
	dir = x.snapshot()
	e.Conn.Close()
	p.exit()
	return dir
}

// tryRestore restores n processes.
func (x *box) tryRestore(ctx context.Context, dir string, n int) ([]*proc, error) {
	x.b.Helper()
	procs, streams := make([]*proc, n), make([]sandbox.Streams, n)
	for i := range procs {
		p, stdout := x.newProc()
		defer stdout.Close()
		procs[i], streams[i] = p, sandbox.Streams{Stdout: stdout, Stderr: p.stderr}
	}
	restored, err := x.Sandbox.(sandbox.Restorer).Restore(ctx, dir, streams)
	if err != nil {
		return nil, err
	}
	if len(restored) != n {
		x.b.Fatalf("%d processes were restored, want %d", len(restored), n)
	}
	for i, p := range restored {
		procs[i].Process = p
	}
	return procs, nil
}

// restore restores one "tally" and takes its connection.
func (x *box) restore(dir string) (*proc, *peer) {
	x.b.Helper()
	procs, err := x.tryRestore(x.b.bounded(), dir, 1)
	if err != nil {
		x.b.Fatalf("restore: %v", err)
	}
	return procs[0], x.peer()
}

func restoreGoesOn(b *bench) {
	original := b.box(b.spec())
	_, e := original.tally("original")
	e.counts("1", "2")
	from := e.RemoteAddr().String()
	dir := original.snapshot()

	x := b.box(b.spec())
	p, copied := x.restore(dir)
	if got := copied.RemoteAddr().String(); b.caps.Network && got != from {
		b.Errorf("the connection comes from %s, and came from %s", got, from)
	}
	copied.counts("3", "4")
	copied.Conn.Close()
	if exit := p.exit(); exit != (sandbox.Exit{}) {
		b.Errorf("it ended with %+v: %s", exit, p.errorText())
	}
	x.usable()
}

func restoreStreams(b *bench) {
	dir := b.counted()
	p, e := b.box(b.spec()).restore(dir)
	e.counts("3")
	if got := p.line(); got != "3" {
		b.Errorf("standard output begins with %q", got)
	}
	if got := p.errorText(); got != "3" {
		b.Errorf("standard error is %q", got)
	}
}

func restoreMany(b *bench) {
	dir := b.counted()
	_, one := b.box(b.spec()).restore(dir)
	_, two := b.box(b.spec()).restore(dir)
	one.counts("3", "4", "5")
	two.counts("3")
	one.counts("6")
	_, three := b.box(b.spec()).restore(dir)
	three.counts("3")
	two.counts("4")
}

func restoreOrder(b *bench) {
	original := b.box(b.spec())
	_, first := original.tally("first")
	first.counts("1")
	_, second := original.tally("second")
	second.counts("1", "2", "3")
	addresses := []string{first.RemoteAddr().String(), second.RemoteAddr().String()}
	dir := original.snapshot()

	x := b.box(b.spec())
	procs, err := x.tryRestore(b.bounded(), dir, 2)
	if err != nil {
		b.Fatal(err)
	}
	peers := map[string]*peer{}
	for range procs {
		e := x.peer()
		peers[e.RemoteAddr().String()] = e
	}
	for i, want := range []string{"2", "4"} {
		if e := peers[addresses[i]]; b.caps.Network && e != nil {
			e.counts(want)
			if got := procs[i].line(); got != want {
				b.Errorf("process %d printed %q, want %q", i, got, want)
			}
		} else if b.caps.Network {
			b.Errorf("nobody connected from %s", addresses[i])
		}
	}
}

func restoreKillAll(b *bench) {
	dir := b.counted()
	x := b.box(b.spec())
	p, e := x.restore(dir)
	e.counts("3")
	if err := x.KillAll(b.bounded()); err != nil {
		b.Fatal(err)
	}
	if got := p.exit(); got.Signal != syscall.SIGKILL {
		b.Errorf("got %+v, want SIGKILL", got)
	}
	_, again := x.restore(dir)
	again.counts("3")
}

func restoreClose(b *bench) {
	dir := b.counted()
	x := b.box(b.spec())
	p, _ := x.restore(dir)
	if err := x.Close(); err != nil {
		b.Fatal(err)
	}
	p.exit()
}

func restoreContextEnds(b *bench) {
	dir := b.counted()
	x := b.box(b.spec())
	ctx, cancel := context.WithCancel(b.Context())
	_, err := x.tryRestore(ctx, dir, 1)
	cancel()
	if err != nil {
		b.Fatal(err)
	}
	x.peer().counts("3", "4")
}

func restoreCancelled(b *bench) {
	dir := b.counted()
	x := b.box(b.spec())
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	if _, err := x.tryRestore(ctx, dir, 1); err == nil {
		b.Error("restored under a cancelled context")
	}
	x.usable()
}

// restoreDamaged changes one byte of each file of the snapshot in turn.
func restoreDamaged(b *bench) {
	dir := b.counted()
	x := b.box(b.spec())
	files := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		content, err := os.ReadFile(path)
		if err != nil || len(content) == 0 {
			return err
		}
		content[len(content)/2] ^= 1
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return err
		}
		if _, err := x.tryRestore(b.bounded(), dir, 1); !errors.Is(err, sandbox.ErrSnapshotInvalid) {
			b.Errorf("%s was changed: got %v, want ErrSnapshotInvalid", entry.Name(), err)
		}
		content[len(content)/2] ^= 1
		return os.WriteFile(path, content, 0o600)
	})
	if err != nil || files == 0 {
		b.Fatalf("%d files, %v", files, err)
	}
	_, e := x.restore(dir)
	e.counts("3")
}

func restoreNothing(b *bench) {
	x := b.box(b.spec())
	if _, err := x.tryRestore(b.bounded(), b.TempDir(), 1); !errors.Is(err, sandbox.ErrSnapshotInvalid) {
		b.Errorf("got %v, want ErrSnapshotInvalid", err)
	}
	x.usable()
}

func restoreWrongStreams(b *bench) {
	dir := b.counted()
	x := b.box(b.spec())
	for _, n := range []int{0, 2} {
		if _, err := x.tryRestore(b.bounded(), dir, n); err == nil {
			b.Errorf("restored with streams for %d processes", n)
		}
	}
	x.usable()
}

func restoreBeside(b *bench) {
	dir := b.counted()
	x := b.box(b.spec())
	_, e := x.tally("here already")
	if _, err := x.tryRestore(b.bounded(), dir, 1); err == nil {
		b.Error("restored beside a process")
	}
	e.counts("1")
}

func restoreClosed(b *bench) {
	dir := b.counted()
	x := b.box(b.spec())
	if err := x.Close(); err != nil {
		b.Fatal(err)
	}
	if _, err := x.tryRestore(b.bounded(), dir, 1); !errors.Is(err, sandbox.ErrClosed) {
		b.Errorf("got %v, want ErrClosed", err)
	}
}

func snapshotGoesOn(b *bench) {
	x := b.box(b.spec())
	p, e := x.tally("original")
	e.counts("1")
	x.snapshot()
	e.counts("2")
	x.snapshot()
	e.counts("3")
	e.Conn.Close()
	if exit := p.exit(); exit != (sandbox.Exit{}) {
		b.Errorf("it ended with %+v: %s", exit, p.errorText())
	}
}

func snapshotListening(b *bench) {
	x := b.box(b.spec())
	p, address, port := x.serve("127.0.0.1")
	ctx, cancel := context.WithTimeout(b.Context(), time.Second)
	defer cancel()
	if err := x.Sandbox.(sandbox.Restorer).Snapshot(ctx, b.TempDir()); !errors.Is(err, sandbox.ErrNotRestorable) {
		b.Errorf("got %v, want ErrNotRestorable", err)
	}
	x.converse(address, port) // it goes on
	if exit := p.exit(); exit != (sandbox.Exit{}) {
		b.Errorf("serve ended with %+v: %s", exit, p.errorText())
	}
}

func snapshotClosed(b *bench) {
	x := b.box(b.spec())
	if err := x.Close(); err != nil {
		b.Fatal(err)
	}
	if err := x.Sandbox.(sandbox.Restorer).Snapshot(b.bounded(), b.TempDir()); !errors.Is(err, sandbox.ErrClosed) {
		b.Errorf("got %v, want ErrClosed", err)
	}
}
