package e2e_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// isolated runs a test with a function of a daemon of root's, and with one of
// an unprivileged user's: both promise the same.
func isolated(t *testing.T, test func(t *testing.T, fn function)) {
	t.Run("root", func(t *testing.T) {
		t.Parallel()
		test(t, shared(t).python(t))
	})
	t.Run("rootless", func(t *testing.T) {
		t.Parallel()
		if os.Getuid() != 0 {
			t.Skip("needs root to become another user; what ran as root is rootless already")
		}
		test(t, asNobody.get(t, nobody).python(t))
	})
}

func TestEscape_HostProcessesAreInvisible(t *testing.T) {
	t.Parallel()
	isolated(t, func(t *testing.T, fn function) {
		// Itself and its own pid 1, and nothing of the host.
		expect(t, fn, "sorted(int(p) for p in os.listdir('/proc') if p.isdigit()) == [1, os.getpid()]", true)
	})
}

func TestEscape_OtherProcessesAreOutOfReach(t *testing.T) {
	t.Parallel()
	isolated(t, func(t *testing.T, fn function) {
		// Of the same uid, so that only the pid namespace is in between.
		victim := fn.d.create(t, fn.d.newest(t, "python"), "probe.handler", files{"probe.py": testdata(t, "probe.py")}, named("victim"))
		before := evaluate[string](t, victim, "ID")
		const kill = `
try:
    os.kill(-1, 9)  # all that it may signal but itself
    killed = "somebody"
except ProcessLookupError:
    killed = "nobody"
`
		var killed string
		if fn.call(t, event(t, "exec", kill, "eval", "killed"), &killed); killed != "nobody" {
			t.Error("it can signal other processes than itself")
		}
		expect(t, victim, "ID", before)
	})
}

func TestEscape_HostFilesAreInvisible(t *testing.T) {
	t.Parallel()
	isolated(t, func(t *testing.T, fn function) {
		secret := filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(secret, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{secret, fn.d.dir, hearthBinary, repository, "/etc/shadow", "/root/.profile", "/sys/fs/cgroup/memory", "/proc/1/root/etc"} {
			expect(t, fn, fmt.Sprintf("os.path.exists(%q)", path), false)
		}
		roots := evaluate[[]string](t, fn, "os.listdir('/')")
		for _, name := range []string{"boot", "media", "mnt", "srv", "work"} {
			if slices.Contains(roots, name) {
				t.Errorf("/%s of the host is in %q", name, roots)
			}
		}
	})
}

func TestEscape_DevicesAreHarmless(t *testing.T) {
	t.Parallel()
	isolated(t, func(t *testing.T, fn function) {
		got := evaluate[[]string](t, fn, "sorted(e.name for e in os.scandir('/dev') if not e.is_symlink() and not e.is_dir())")
		if diff := cmp.Diff([]string{"full", "null", "random", "tty", "urandom", "zero"}, got); diff != "" {
			t.Errorf("devices (-want +got):\n%s", diff)
		}
	})
}

func TestEscape_OtherTmpIsInvisible(t *testing.T) {
	t.Parallel()
	isolated(t, func(t *testing.T, fn function) {
		// At once, so that they are in two environments.
		got := ids(t, fn, 2, event(t, "exec", "open('/tmp/' + ID, 'w').close(); time.sleep(1.5)", "eval", "len(os.listdir('/tmp'))"))
		if got["1"] != 2 {
			t.Errorf("files in /tmp of two environments that wrote one each: %v", got)
		}
	})
}

func TestEscape_OtherRuntimeAPIIsOutOfReach(t *testing.T) {
	t.Parallel()
	isolated(t, func(t *testing.T, fn function) {
		// Every environment's is at the same address of a network of its own,
		// which leads nowhere else; what is there redelivers the caller's event.
		expect(t, fn, "' '.join(name for _, name in socket.if_nameindex())", "lo")
		const next = `
import urllib.request
with urllib.request.urlopen("http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/invocation/next") as r:
    id = r.headers["Lambda-Runtime-Aws-Request-Id"]
time.sleep(1)
`
		got := ids(t, fn, 3, event(t, "exec", next, "eval", "id == context.aws_request_id"))
		if got["true"] != 3 {
			t.Errorf("three environments at work asked for their event; it was their own: %v", got)
		}
	})
}

func TestEscape_DaemonIsOutOfReach(t *testing.T) {
	t.Parallel()
	isolated(t, func(t *testing.T, fn function) {
		endpoint, err := url.Parse(fn.d.endpoint)
		if err != nil {
			t.Fatal(err)
		}
		// Its API would let a function create and delete others.
		if code := evaluate[int](t, fn, fmt.Sprintf("socket.socket().connect_ex(('127.0.0.1', %s))", endpoint.Port())); code == 0 {
			t.Error("a function can connect to the daemon")
		}
	})
}

func TestEscape_NewNamespacesAreRefused(t *testing.T) {
	t.Parallel()
	isolated(t, func(t *testing.T, fn function) {
		const unshare = "__import__('ctypes').CDLL(None, use_errno=True).unshare(0x%x)"
		for name, flag := range map[string]int{"user": 0x10000000, "mount": 0x20000, "network": 0x40000000} {
			if got := evaluate[int](t, fn, fmt.Sprintf(unshare, flag)); got != -1 {
				t.Errorf("a function made a %s namespace", name)
			}
		}
	})
}
