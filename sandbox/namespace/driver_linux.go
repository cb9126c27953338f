package namespace

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/namespace/cgroup"
	"github.com/hearthd/hearth/sandbox/namespace/disk"
	"github.com/hearthd/hearth/sandbox/namespace/nat"
	"github.com/hearthd/hearth/sandbox/namespace/pid1"
	"github.com/hearthd/hearth/sandbox/namespace/rootfs"
	"github.com/hearthd/hearth/sandbox/namespace/seccomp"
	"github.com/hearthd/hearth/sandbox/namespace/stage2"
	"github.com/hearthd/hearth/sandbox/namespace/userns"
)

// Driver makes sandboxes of namespaces. It is a sandbox.Driver.
type Driver struct {
	log     *slog.Logger
	dir     string
	lock    *os.File // held while the driver lives
	host    pid1.Host
	groups  *cgroup.Root
	ids     userns.IDs
	slots   slots
	spares  *spares
	hardCPU bool

	// What the host allows, found by New.
	proc         bool
	inner        bool
	capabilities sandbox.Capabilities
	disks        *disk.Maker // nil: /tmp are directories without a limit
	noDisks      error       // why

	nat    *nat.Gateway // nil: there is none
	sayNAT sync.Once    // says once that there is none

	spawning sync.Mutex // held while a spawner is started
	spawner  *pid1.Spawner

	mu     sync.Mutex
	boxes  map[string]*box // open; nil while it is being created
	closed bool

	creating sync.WaitGroup // calls of Create that passed closed
	closing  sync.Once
	closeErr error // of Close
}

// processes is how many processes and threads a sandbox may have. Unless its Spec says,
// it is what AWS's kernel allows at its memory, by the kernel's own rule of one for each
// 256 KiB (741 and pid 1 at 128 MB, as recorded), up to Lambda's documented limit.
func processes(spec sandbox.Spec) int {
	const documented, perMiB, ofSystem = 1024, 4, 229
	switch {
	case spec.MaxProcesses > 0:
		return spec.MaxProcesses
	case spec.MemoryBytes > 0:
		return int(min(documented, spec.MemoryBytes>>20*perMiB+ofSystem))
	default:
		return documented
	}
}

// openTime bounds the sandboxes that New makes to see what the host allows, and
// to have some.
const openTime = 20 * time.Second

// New starts a driver. It fails when the host does not let it make sandboxes
// at all, and says in Capabilities what else is missing. The caller must Close it.
func New(o Options) (sandbox.Driver, error) {
	d := &Driver{log: o.Logger, hardCPU: o.HardCPU, boxes: make(map[string]*box)}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	if err := d.open(o); err != nil {
		return nil, errors.Join(fmt.Errorf("namespace sandboxes: %w", err), d.Close())
	}
	return d, nil
}

// open acquires what the driver holds, in the order that Close undoes.
func (d *Driver) open(o Options) error {
	ctx, cancel := context.WithTimeout(context.Background(), openTime) //nolint:forbidigo // New takes none: opening has its own limit
	defer cancel()
	var err error
	if d.dir, err = filepath.Abs(o.StateDir); err != nil {
		return err
	}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	if d.dir, err = filepath.EvalSymlinks(d.dir); err != nil {
		return fmt.Errorf("state directory: %w", err)
	}
	if d.lock, err = lockDir(d.dir); err != nil {
		return err
	}
	if err := checkPrivilege(); err != nil {
		return err
	}
	if d.ids, err = userns.ReadIDs(); err != nil {
		return err
	}
	d.host.KeepGroups = userns.SetgroupsDenied()
	if d.host.LastCap, err = readLastCap(); err != nil {
		return err
	}
	if d.host.Filter, err = seccomp.Filter(); err != nil {
		return err
	}
	name := fmt.Sprintf("hearth-%x", sha256.Sum256([]byte(d.dir)))[:len("hearth-")+12]
	if d.groups, err = cgroup.Open(cgroup.Config{Name: name, Record: filepath.Join(d.dir, "cgroups")}); err != nil {
		return err
	}
	// Only now are a predecessor's last processes gone.
	if err := d.openTmp(ctx); err != nil {
		return err
	}
	if d.host.Program, err = stage2.Open(filepath.Join(d.dir, "stage2")); err != nil {
		return err
	}
	if d.host.Skeleton, err = rootfs.New(d.dir); err != nil {
		return err
	}
	if err := d.probe(ctx); err != nil {
		return err
	}
	d.openNAT(ctx, o)
	d.spares, err = newSpares(ctx, o.Spares, d)
	return err
}

// Name is what --sandbox takes.
func (d *Driver) Name() string { return Name }

// Capabilities says what is enforced on this host.
func (d *Driver) Capabilities() sandbox.Capabilities { return d.capabilities }

// Create builds a sandbox.
func (d *Driver) Create(ctx context.Context, spec sandbox.Spec) (sandbox.Sandbox, error) {
	if err := checkSpec(spec); err != nil {
		return nil, fmt.Errorf("create sandbox: %w", err)
	}
	if err := d.reserve(spec.ID); err != nil {
		return nil, err
	}
	defer d.creating.Done()
	// A spare would be taken, and a table run, without a look at ctx.
	err := context.Cause(ctx)
	var b *box
	if err == nil {
		b, err = d.create(ctx, spec)
	}
	if err != nil {
		d.forget(spec.ID)
		return nil, fmt.Errorf("create sandbox %s: %w", spec.ID, err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.boxes[spec.ID] = b
	return b, nil
}

// reserve takes an ID and counts a call in creating.
func (d *Driver) reserve(id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return fmt.Errorf("create sandbox: driver: %w", sandbox.ErrClosed)
	}
	if _, taken := d.boxes[id]; taken {
		return fmt.Errorf("create sandbox: the ID %q is taken", id)
	}
	d.boxes[id] = nil
	d.creating.Add(1)
	return nil
}

// forget frees an ID.
func (d *Driver) forget(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.boxes, id)
}

// create makes a sandbox of a cell; what it adds, the cell's close removes.
func (d *Driver) create(ctx context.Context, spec sandbox.Spec) (b *box, err error) {
	c, err := d.takeCell(ctx, d.network(ctx, spec))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.close())
		}
	}()
	b = &box{cell: c, id: spec.ID, maxProcesses: processes(spec), inner: d.inner}
	if err := c.provideTmp(ctx, spec.TmpBytes); err != nil {
		return nil, err
	}
	limits := cgroup.Limits{MemoryBytes: spec.MemoryBytes, CPU: spec.CPU, HardCPU: d.hardCPU, Pids: b.maxProcesses + 1} // and pid 1
	if err := c.group.SetLimits(limits); err != nil {
		return nil, err
	}
	if err := c.mount(ctx, spec); err != nil {
		return nil, err
	}
	c.remains = append([]func() error{func() error { d.forget(spec.ID); return nil }}, c.remains...)
	return b, nil
}

// mount mounts what a Spec asks for.
func (c *cell) mount(ctx context.Context, spec sandbox.Spec) error {
	users, err := c.init.UserNamespace()
	if err != nil {
		return err
	}
	defer users.Close()
	binds, err := c.driver.host.Skeleton.Binds(rootfs.Sandbox{
		Spec: spec, Network: c.network, Users: users, OneUser: c.driver.ids.Single(), Proc: c.driver.proc, Tmp: c.tmp.open,
	})
	defer func() { rootfs.CloseBinds(binds) }()
	if err != nil {
		return err
	}
	return c.init.Mount(ctx, binds)
}

// currentSpawner returns the spawner, which is started again if it is gone.
func (d *Driver) currentSpawner(ctx context.Context) (*pid1.Spawner, error) {
	d.spawning.Lock()
	defer d.spawning.Unlock()
	if d.spawner != nil {
		select {
		case <-d.spawner.Done():
			d.log.WarnContext(ctx, "the sandbox spawner died; starting another")
		default:
			return d.spawner, nil
		}
	}
	var err error
	d.spawner, err = pid1.NewSpawner(ctx, &d.host)
	return d.spawner, err
}

// Close closes every sandbox and frees the driver.
func (d *Driver) Close() error {
	d.closing.Do(func() { d.closeErr = d.close() })
	return d.closeErr
}

func (d *Driver) close() error {
	d.mu.Lock()
	d.closed = true
	d.mu.Unlock()
	d.creating.Wait()
	d.mu.Lock()
	var open []*box
	for _, b := range d.boxes {
		if b != nil {
			open = append(open, b)
		}
	}
	d.mu.Unlock()

	var errs []error
	if d.spares != nil {
		errs = append(errs, d.spares.close())
	}
	errs = append(errs, closeBoxes(open)...)
	if d.spawner != nil {
		d.spawner.Close()
	}
	if d.host.Skeleton != nil {
		errs = append(errs, d.host.Skeleton.Close())
	}
	if d.host.Program != nil {
		errs = append(errs, d.host.Program.Close())
	}
	if d.groups != nil {
		errs = append(errs, d.groups.Close())
	}
	if d.nat != nil {
		errs = append(errs, d.nat.Close())
	}
	if d.lock != nil {
		errs = append(errs, d.lock.Close())
	}
	return errors.Join(errs...)
}

// closeBoxes closes sandboxes side by side: each waits for its processes.
func closeBoxes(open []*box) []error {
	errs := make([]error, len(open))
	var wg sync.WaitGroup
	for i, b := range open {
		wg.Go(func() { errs[i] = b.Close() })
	}
	wg.Wait()
	return errs
}

// lockDir keeps a second driver away from a state directory. The lock ends
// with the process.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock state directory: %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("state directory %s is in use by another process: %w", dir, err)
	}
	return f, nil
}
