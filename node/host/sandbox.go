package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/namespace"
)

// Sandbox opens the namespace driver, as serve would, and reports what it
// enforces here and what it cannot. For a moment this adds to the host's network
// what NAT needs; closing the driver takes it away again.
func Sandbox(context.Context) ([]Check, error) {
	dir, err := os.MkdirTemp("", "hearth-doctor-")
	if err != nil {
		return nil, fmt.Errorf("try the sandbox: %w", err)
	}
	checks, err := checkSandbox(dir)
	return checks, errors.Join(err, os.RemoveAll(dir))
}

func checkSandbox(dir string) ([]Check, error) {
	driver, err := namespace.New(namespace.Options{
		StateDir: filepath.Join(dir, "namespace"), Logger: slog.New(slog.DiscardHandler), Spares: -1, NAT: true,
	})
	if err != nil {
		return []Check{{
			Name: "sandbox", Status: Missing, Detail: "functions are not isolated: " + err.Error(),
			Fix: "allow user namespaces, or run hearth as root",
		}}, nil
	}
	return describeSandbox(driver.Name(), driver.Capabilities()), driver.Close()
}

// describeSandbox says what a driver that works enforces, and what it cannot.
func describeSandbox(name string, caps sandbox.Capabilities) []Check {
	checks := []Check{{Name: "sandbox", Status: OK, Detail: name + ": " + enforced(caps)}}
	if caps.Outbound {
		checks = append(checks, Check{Name: "outbound network", Status: OK, Detail: "nat: functions reach out, not each other and not this host"})
	}
	for _, m := range caps.Missing {
		checks = append(checks, Check{Name: m.What, Status: Limited, Detail: m.Why, Fix: m.Fix})
	}
	return checks
}

// enforced lists what holds, in words.
func enforced(c sandbox.Capabilities) string {
	list := ""
	for _, item := range []struct {
		holds bool
		name  string
	}{
		{c.Files, "files"}, {c.Processes, "processes"}, {c.Network, "network"}, {c.User, "user"},
		{c.Memory, "memory"}, {c.CPU, "CPU"}, {c.Pids, "pids"}, {c.TmpQuota, "/tmp size"}, {c.Freeze, "freeze"},
	} {
		if item.holds {
			if list != "" {
				list += ", "
			}
			list += item.name
		}
	}
	return list
}
