//go:build linux

package namespace_test

import (
	"testing"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/namespace"
	"github.com/hearthd/hearth/sandbox/sandboxtest"
)

func open(t *testing.T, stateDir string) sandbox.Driver {
	t.Helper()
	d, err := namespace.New(namespace.Options{StateDir: stateDir, HardCPU: true})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDriver(t *testing.T) { sandboxtest.Run(t, open) }
