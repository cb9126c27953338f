// Package e2e tests hearth as its users meet it: the built binary, started as
// a daemon in a directory of its own, driven by stock AWS clients and by its
// own command line.
//
// Most tests share one daemon (shared) with functions of their own; a test
// that stops, kills or configures its daemon starts another (startDaemon).
// Every daemon has its traces counted when it has stopped: see leftovers.
//
// On a machine without Python, Node, curl or the AWS clients the tests fail
// and say so; scripts/install-test-deps installs all of them.
package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/hearthd/hearth/test/compile"
)

// hearthBinary is the program under test, built by TestMain.
var hearthBinary string

// repository is the root of the module.
var repository string

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	// The default, nat, would change the firewall of the machine that tests run on.
	if err := os.Setenv("HEARTH_NETWORK", "none"); err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "hearth-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	// Other users, such as the one of the rootless tests, execute it too.
	if err := os.Chmod(dir, 0o755); err != nil {
		return 0, err
	}
	if repository, err = filepath.Abs("../.."); err != nil {
		return 0, err
	}
	hearthBinary = filepath.Join(dir, "hearth")
	if err := compile.Program(context.Background(), "cmd/hearth", hearthBinary); err != nil {
		return 0, err
	}
	code = m.Run()
	return code, errors.Join(asRoot.stop(), asNobody.stop())
}

// sharedDaemon is a daemon that tests share, once one has asked for it.
type sharedDaemon struct {
	once sync.Once
	d    *daemon
	err  error
}

// The daemons that tests share: this user's, which is root's where the tests
// show most, and an unprivileged user's.
var asRoot, asNobody sharedDaemon

// shared returns the daemon for tests that leave it as it is.
func shared(t *testing.T) *daemon {
	t.Helper()
	return asRoot.get(t, os.Getuid())
}

// get starts the daemon for the first who asks.
func (s *sharedDaemon) get(t *testing.T, user int) *daemon {
	t.Helper()
	s.once.Do(func() {
		dir, err := os.MkdirTemp("", "hearth-e2e-data-")
		if err == nil {
			err = os.Chown(dir, user, user)
		}
		if s.err = err; err != nil {
			return
		}
		s.d = newDaemon(dir, "--sandbox", "namespace")
		s.d.user = uint32(user)
		s.err = s.d.start()
	})
	if s.err != nil {
		t.Fatalf("start the shared daemon: %v", s.err)
	}
	return s.d
}

// stop stops the daemon and counts what it left.
func (s *sharedDaemon) stop() error {
	if s.d == nil || s.err != nil {
		return s.err
	}
	defer os.RemoveAll(s.d.dir)
	if err := s.d.stop(); err != nil {
		return err
	}
	if left := s.d.leftovers(); len(left) > 0 {
		return fmt.Errorf("the shared daemon left behind: %q", left)
	}
	return nil
}
