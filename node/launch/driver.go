package launch

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/namespace"
	"github.com/hearthd/hearth/sandbox/namespace/userns"
	"github.com/hearthd/hearth/sandbox/process"
)

// The sandboxes that --sandbox takes.
const (
	SandboxAuto      = "auto"
	SandboxNamespace = namespace.Name
	SandboxProcess   = "process"
)

// Sandboxes lists them.
func Sandboxes() []string { return []string{SandboxAuto, SandboxNamespace, SandboxProcess} }

// What functions can reach; see package sandbox.
const (
	NetworkNone = string(sandbox.NetworkNone)
	NetworkNAT  = string(sandbox.NetworkNAT)
	NetworkHost = string(sandbox.NetworkHost)
)

// Networks lists them.
func Networks() []string { return []string{NetworkNone, NetworkNAT, NetworkHost} }

// Enter executes this program again, with its arguments, as root of a user
// namespace, and returns only when that failed. Nil: not possible, as in tests.
type Enter func(argv []string) error

// Prepare gives an ordinary user's process what the namespace sandbox needs: it
// enters a user namespace, once, and then does not return. Nothing may have been
// started before. With SandboxAuto a host that refuses is left to OpenDriver, which
// falls back and says so.
func (enter Enter) Prepare(sandbox string) error {
	if sandbox == SandboxProcess || enter == nil || !userns.Needed() {
		return nil
	}
	if err := enter(os.Args); err != nil && sandbox == SandboxNamespace {
		return fmt.Errorf("--sandbox namespace: %w", err)
	}
	return nil
}

// EnterUserNamespace is the Enter of a program that is not a test.
func EnterUserNamespace(argv []string) error { return userns.Enter(argv) }

// InUserNamespace reports whether this process has been through Enter: its root is an
// ordinary user of the host.
func InUserNamespace() bool { return userns.Entered() }

// DriverOptions say which sandbox driver is wanted.
type DriverOptions struct {
	Dir     string // state directory; the driver's own
	Sandbox string // one of Sandboxes
	Network string // what functions are to reach: NetworkNone, ...
	HardCPU bool   // functions get their share of the processor on an idle machine too, and no more
	Logger  *slog.Logger
}

// OpenDriver opens the sandbox driver that was asked for. SandboxAuto is the best
// that works here, and says so when that isolates nothing. The caller closes it.
func OpenDriver(o DriverOptions) (sandbox.Driver, error) {
	openNamespace := func() (sandbox.Driver, error) {
		return namespace.New(namespace.Options{
			StateDir: filepath.Join(o.Dir, "namespace"), Logger: o.Logger, HardCPU: o.HardCPU, NAT: o.Network == NetworkNAT,
		})
	}
	openProcess := func() (sandbox.Driver, error) {
		return process.New(process.Options{StateDir: filepath.Join(o.Dir, "process")})
	}
	var driver sandbox.Driver
	var err error
	switch o.Sandbox {
	case SandboxProcess:
		driver, err = openProcess()
	case SandboxNamespace:
		driver, err = openNamespace()
	default:
		if driver, err = openNamespace(); err != nil {
			o.Logger.Warn("functions are NOT isolated: the namespace sandbox does not work here; run hearth doctor", "error", err)
			driver, err = openProcess()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open sandbox %s: %w", o.Sandbox, err)
	}
	for _, m := range driver.Capabilities().Missing {
		o.Logger.Warn("not enforced: "+m.What, "sandbox", driver.Name(), "why", m.Why, "fix", m.Fix)
	}
	return driver, nil
}
