package e2e_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestEscape_HostProcessesAreInvisible(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	// Itself and its own pid 1, and nothing of the host.
	expect(t, fn, "sorted(int(p) for p in os.listdir('/proc') if p.isdigit()) in ([1, os.getpid()], [os.getpid()])", true)
	expect(t, fn, "os.getpid() < 100", true)
}

func TestEscape_HostProcessesAreOutOfReach(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	const kill = `
def attempt(pid):
    try:
        os.kill(pid, 0)
        return True
    except OSError:
        return False
result = [pid for pid in (%d, %d) if attempt(pid)]
`
	var reached []int
	fn.call(t, event(t, "exec", fmt.Sprintf(kill, os.Getpid()+1<<20, fn.d.pid()+1<<20), "eval", "result"), &reached)
	if len(reached) > 0 {
		t.Errorf("it can signal %v", reached)
	}
	// All that it may signal: if one is the daemon, the test ends here.
	fn.invoke(t, event(t, "exec", "os.kill(-1, 9)"))
	expect(t, fn, "1", 1)
}

func TestEscape_HostFilesAreInvisible(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{secret, fn.d.dir, hearthBinary, repository, "/etc/shadow", "/root/.bashrc", "/sys/fs/cgroup/memory", "/proc/1/root/etc"} {
		expect(t, fn, fmt.Sprintf("os.path.exists(%q)", path), false)
	}
	var roots []string
	fn.call(t, event(t, "eval", "sorted(os.listdir('/'))"), &roots)
	for _, name := range []string{"boot", "media", "mnt", "srv", "work"} {
		for _, root := range roots {
			if root == name {
				t.Errorf("/%s of the host is in %q", name, roots)
			}
		}
	}
}

func TestEscape_DevicesAreHarmless(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	got := evaluate[[]string](t, fn, "sorted(n for n in os.listdir('/dev') if os.path.exists('/dev/' + n) and not os.path.islink('/dev/' + n) and not os.path.isdir('/dev/' + n))")
	if diff := cmp.Diff([]string{"full", "null", "random", "tty", "urandom", "zero"}, got); diff != "" {
		t.Errorf("devices (-want +got):\n%s", diff)
	}
}

func TestEscape_OtherTmpIsInvisible(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	// At once, so that they are in two environments.
	got := ids(t, fn, 2, event(t, "exec", "open('/tmp/' + ID, 'w').close(); time.sleep(1.5)", "eval", "len(os.listdir('/tmp'))"))
	if got["1"] != 2 {
		t.Errorf("files in /tmp of two environments that wrote one each: %v", got)
	}
}

func TestEscape_OtherRuntimeAPIIsOutOfReach(t *testing.T) {
	t.Parallel()
	d := shared(t)
	victim := d.create(t, newest(t, "python"), "probe.handler", files{"probe.py": testdata(t, "probe.py")})
	victim.invoke(t, `{}`)
	// The victim has the same address in a network of its own: the only other
	// names for its Runtime API are other addresses of this machine.
	const look = `
import errno
def attempt(address):
    s = socket.socket()
    s.settimeout(0.5)
    return s.connect_ex(address) == 0
open_ports = [p for p in range(1, 65536) if p != 9001 and socket.socket().connect_ex(("127.0.0.1", p)) == 0]
`
	var open []int
	victim.call(t, event(t, "exec", look, "eval", "open_ports"), &open)
	if len(open) > 0 {
		t.Errorf("on its own loopback, ports %v answer", open)
	}
}

func TestEscape_DaemonIsOutOfReach(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	endpoint, err := url.Parse(fn.d.endpoint)
	if err != nil {
		t.Fatal(err)
	}
	// Its API would let a function create and delete others.
	if reached := evaluate[int](t, fn, fmt.Sprintf("socket.socket().connect_ex(('127.0.0.1', %s))", endpoint.Port())); reached == 0 {
		t.Error("a function can connect to the daemon")
	}
}

func TestEscape_NewNamespacesAreRefused(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	expect(t, fn, "subprocess.run(['unshare', '--user', '--map-root-user', 'true'], capture_output=True).returncode != 0", true)
	expect(t, fn, "subprocess.run(['mount', '-t', 'tmpfs', 'x', '/tmp'], capture_output=True).returncode != 0", true)
}
