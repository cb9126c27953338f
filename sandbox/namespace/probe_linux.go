package namespace

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/namespace/cgroup"
	"github.com/hearthd/hearth/sandbox/namespace/pid1"
	"github.com/hearthd/hearth/sandbox/namespace/stage2"
	"github.com/hearthd/hearth/sandbox/namespace/userns"
)

// probe makes a sandbox and starts a command in it that does not exist: this
// goes through every step that a real one does. Without what the host refuses
// it is tried again.
func (d *Driver) probe(ctx context.Context) error {
	d.proc, d.inner = true, true
	var noProc, noInner, noGroups error
	for {
		var why error // for no inner group
		err := d.try(ctx, &why)
		var f *stage2.CallError
		isCall := func(what string) bool { return errors.As(err, &f) && f.What == what }
		switch {
		case err == nil && why == nil:
			d.capabilities = d.describe(noProc, noInner)
			return nil
		case d.inner && (why != nil || isCall(pid1.CallFork)):
			d.inner, noInner = false, errors.Join(why, err)
		case d.proc && isCall(pid1.CallProc):
			d.proc, noProc = false, err
		case d.disks != nil && isCall(pid1.CallTmp):
			d.disks, d.noDisks = nil, err
		case noGroups == nil && (errors.Is(err, cgroup.ErrRefused) || isCall(pid1.CallClone)):
			noGroups = err
			if err := d.groups.Disable(noGroups); err != nil {
				return err
			}
		default:
			return err
		}
	}
}

// try makes a sandbox and says why it has no inner group, when it should.
func (d *Driver) try(ctx context.Context, noInner *error) error {
	b, err := d.create(ctx, sandbox.Spec{ID: "probe", Task: d.host.Skeleton.Dir(), MemoryBytes: 1 << 30, CPU: 1})
	if err != nil {
		return err
	}
	defer b.Close()
	if d.inner {
		if _, *noInner = b.group.InnerDir(); *noInner != nil {
			return nil
		}
	}
	_, err = b.Start(ctx, sandbox.Command{Args: []string{"/hearth-probe"}})
	if errors.Is(err, sandbox.ErrEntrypoint) {
		return nil
	}
	return fmt.Errorf("start in a new sandbox: %w", err)
}

// describe turns what was found into capabilities.
func (d *Driver) describe(noProc, noInner error) sandbox.Capabilities {
	s := d.groups.Support()
	c := sandbox.Capabilities{
		Files: true, Processes: true, Network: true, User: true, Freeze: true, TmpQuota: d.disks != nil,
		Memory: s.Memory, CPU: s.CPU && d.hardCPU,
		Pids: true, // by RLIMIT_NPROC where there is no controller
	}
	miss := func(what, why, fix string) {
		c.Missing = append(c.Missing, sandbox.Missing{What: what, Why: why, Fix: fix})
	}
	const delegate = "run hearth as root, or let systemd delegate a control group: systemd-run --user --scope -p Delegate=yes hearth serve"
	if !s.Memory {
		miss("memory limit", s.Why("memory"), delegate)
	}
	if !s.CPU {
		miss("CPU share", s.Why("cpu"), delegate)
	}
	if !d.inner {
		miss("freeze by control group", noInner.Error()+"; SIGSTOP is used, which function code can notice", delegate)
	}
	if d.disks == nil {
		miss("size of /tmp", d.noDisks.Error(), "run hearth as root, with loop devices and mkfs.ext4 (package e2fsprogs), or put the data directory on a file system of its own, so that functions fill no other")
	}
	if noProc != nil {
		miss("/proc", noProc.Error(), "run hearth where /proc is not masked: outside of a container, or in one started with --security-opt systempaths=unconfined")
	}
	if d.ids.Single() {
		miss("a user for each sandbox", "the user has no subordinate ids", "install newuidmap (package uidmap) and give the user a range in /etc/subuid and /etc/subgid, or run hearth as root")
	}
	return c
}

// checkPrivilege says why the daemon cannot make sandboxes, if it cannot.
func checkPrivilege() error {
	if userns.Needed() {
		return errors.New("neither root nor in a user namespace of its own (see userns.Enter)")
	}
	if err := unix.MountSetattr(-1, "", 0, &unix.MountAttr{}); errors.Is(err, unix.ENOSYS) {
		return errors.New("needs Linux 5.12 or newer")
	}
	return nil
}

// readLastCap returns the highest capability that the kernel knows.
func readLastCap() (int, error) {
	b, err := os.ReadFile("/proc/sys/kernel/cap_last_cap")
	if err != nil {
		return 0, fmt.Errorf("find the last capability: %w", err)
	}
	return strconv.Atoi(strings.TrimSpace(string(b)))
}

// checkSpec refuses what could reach outside of its place.
func checkSpec(s sandbox.Spec) error {
	if !regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`).MatchString(s.ID) {
		return fmt.Errorf("ID %q is not 1 to 64 letters, digits and '-'", s.ID)
	}
	switch s.Network {
	case "", sandbox.NetworkNone, sandbox.NetworkHost, sandbox.NetworkNAT:
		return nil
	default:
		return fmt.Errorf("unknown network %q", s.Network)
	}
}
