package namespace

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearthd/hearth/internal/resident"
	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/namespace/cgroup"
	"github.com/hearthd/hearth/sandbox/namespace/rootfs"
)

// box is a sandbox: a sandbox.Sandbox, a sandbox.Freezer, a sandbox.Inside and a
// sandbox.Local.
type box struct {
	*cell
	id           string
	maxProcesses int
	inner        bool         // processes are in the group that Freeze stops
	peak, own    atomic.Int64 // of the memory that was seen in use, in bytes: all of it; the sandbox's own
	usage        atomic.Pointer[sandbox.Usage]
	files        fileGauge

	closing sync.Once
	closed  error // of Close
}

// ID is the Spec's.
func (b *box) ID() string { return b.id }

// Paths are those of Lambda.
func (b *box) Paths() sandbox.Paths {
	return sandbox.Paths{Task: rootfs.TaskDir, Runtime: rootfs.RuntimeDir, Opt: rootfs.OptDir, Lang: rootfs.LangDir, Tmp: rootfs.TmpDir}
}

// Listener accepts the connections to the Runtime API.
func (b *box) Listener() net.Listener { return b.listener }

// RuntimeAPI is where processes find it.
func (b *box) RuntimeAPI() string { return b.listener.Addr().String() }

// Done is closed when no process can run in the sandbox any more.
func (b *box) Done() <-chan struct{} { return b.init.Done() }

// Start runs a command.
func (b *box) Start(ctx context.Context, cmd sandbox.Command) (sandbox.Process, error) {
	if len(cmd.Args) == 0 {
		return nil, fmt.Errorf("start process: no command: %w", sandbox.ErrEntrypoint)
	}
	return b.init.Start(ctx, cmd, b.maxProcesses, b.inner)
}

// KillAll kills every process but pid 1.
func (b *box) KillAll(ctx context.Context) error {
	if err := b.Thaw(); err != nil { // or SIGKILL would wait for it, without a control group
		return err
	}
	return b.init.KillAll(ctx)
}

// Usage measures the sandbox; after Close, what it had used by then. The
// kernel's peak has the cache of every file that was read or written; what of it
// could be freed when Usage is called does not count. It does not have the pages of
// files that another group was the first to read: what processes have mapped of files
// when Usage is called takes the place of what the kernel charged for them. Where no
// control group counts memory, it is the largest resident set of a process that was
// seen.
func (b *box) Usage() (sandbox.Usage, error) {
	if u := b.usage.Load(); u != nil {
		return *u, nil
	}
	u := b.group.Usage()
	own := u.MemoryPeak - u.FileCache
	all := own - u.Mapped + max(u.Mapped, b.files.read(b.group))
	if u.MemoryPeak == 0 {
		own = resident.PeakBelow(b.init.Pid())
		all = own
	}
	return sandbox.Usage{MemoryPeak: raise(&b.peak, all), MemoryOwn: raise(&b.own, own), OOMKills: u.OOMKills}, nil
}

// fileGauge reads what processes have mapped of files at most every so often: the
// reading walks through their address spaces, and costs more than the invocation that
// it is reported with. What is mapped changes little once a runtime has started.
type fileGauge struct {
	mu    sync.Mutex
	at    time.Time
	bytes int64
}

const fileGaugeAge = time.Second

func (g *fileGauge) read(group *cgroup.Group) int64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.at) > fileGaugeAge {
		g.bytes, g.at = resident.Files(group.Processes(measuredProcesses)), time.Now()
	}
	return g.bytes
}

// measuredProcesses bounds how many processes Usage looks at: a sandbox with more is
// measured too low by what is mapped in the others alone.
const measuredProcesses = 32

// raise makes a maximum at least now, and returns it.
func raise(highest *atomic.Int64, now int64) int64 {
	for {
		seen := highest.Load()
		if now <= seen {
			return seen
		}
		if highest.CompareAndSwap(seen, now) {
			return now
		}
	}
}

// Close ends the sandbox and removes every trace of it.
func (b *box) Close() error {
	b.closing.Do(func() {
		if u, err := b.Usage(); err == nil {
			b.usage.Store(&u)
		}
		if err := b.close(); err != nil {
			b.closed = fmt.Errorf("close sandbox %s: %w", b.id, err)
		}
	})
	return b.closed
}
