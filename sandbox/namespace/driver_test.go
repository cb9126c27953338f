//go:build linux

package namespace_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"testing"
	"time"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/namespace"
)

func newDriver(t testing.TB) sandbox.Driver {
	t.Helper()
	d, err := namespace.New(namespace.Options{StateDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// run runs a shell command to its end and returns what it wrote.
func run(t testing.TB, b sandbox.Sandbox, script string) (string, sandbox.Exit) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	p, err := b.Start(ctx, sandbox.Command{Args: []string{"/bin/sh", "-c", script}, Env: []string{"PATH=/bin:/usr/bin"}, Stdout: w, Stderr: w})
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if _, err := io.Copy(&out, r); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	return out.String(), p.Exit()
}

func TestX(t *testing.T) {
	d := newDriver(t)
	t.Logf("%+v", d.Capabilities())
	b, err := d.Create(t.Context(), sandbox.Spec{ID: "x", Task: t.TempDir(), MemoryBytes: 128 << 20, CPU: 0.5})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	out, e := run(t, b, "id; pwd; ls -la / /dev /proc/self/fd /tmp; cat /proc/self/status /proc/mounts /proc/self/cgroup; ps aux; ulimit -a; touch /x; echo hi > /tmp/x; ls -la /tmp /var/task /etc; hostname; ls /proc; cat /proc/self/limits; exit 3")
	t.Log(out, e)
	t0 := time.Now()
	if err := b.KillAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Log(time.Since(t0))
}
