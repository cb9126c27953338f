package host

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func system(files map[string]string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for name, text := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fsys
}

func TestCheckUserNamespaces(t *testing.T) {
	const sysctl = "proc/sys/"
	tests := []struct {
		name  string
		files map[string]string
		uid   int
		want  Status
	}{
		{"allowed", map[string]string{sysctl + "user/max_user_namespaces": "100\n"}, 1000, OK},
		{"not in the kernel", nil, 0, Missing},
		{"none allowed", map[string]string{sysctl + "user/max_user_namespaces": "0\n"}, 0, Missing},
		{"Debian's switch, for a user", map[string]string{sysctl + "user/max_user_namespaces": "100\n", sysctl + "kernel/unprivileged_userns_clone": "0\n"}, 1000, Missing},
		{"Debian's switch, for root", map[string]string{sysctl + "user/max_user_namespaces": "100\n", sysctl + "kernel/unprivileged_userns_clone": "0\n"}, 0, OK},
		{"AppArmor, for a user", map[string]string{sysctl + "user/max_user_namespaces": "100\n", sysctl + "kernel/apparmor_restrict_unprivileged_userns": "1\n"}, 1000, Missing},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := checkUserNamespaces(system(test.files), test.uid)
			if got.Status != test.want {
				t.Errorf("status = %s (%s), want %s", got.Status, got.Detail, test.want)
			}
			if (got.Fix == "") != (test.want == OK) {
				t.Errorf("fix = %q with status %s", got.Fix, got.Status)
			}
		})
	}
}

func TestCheckCgroups(t *testing.T) {
	tests := []struct {
		name  string
		files map[string]string
		want  Check
	}{
		{"v2", map[string]string{"proc/self/cgroup": "0::/x\n", "sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids\n"},
			Check{Status: OK, Detail: "v2 with cpu, memory and pids"}},
		{"v1", map[string]string{"proc/self/cgroup": "5:cpu,cpuacct:/\n4:memory:/\n3:pids:/\n1:name=systemd:/\n"},
			Check{Status: OK, Detail: "v1 with cpu, memory and pids"}},
		{"hybrid", map[string]string{"proc/self/cgroup": "2:memory:/\n1:cpu:/\n0::/x\n", "sys/fs/cgroup/cgroup.controllers": ""},
			Check{Status: Limited, Detail: "v1 without pids"}},
		{"none", nil, Check{Status: Limited, Detail: "v2 without cpu, memory, pids"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := checkCgroups(system(test.files))
			if diff := cmp.Diff(test.want, got, cmpopts.IgnoreFields(Check{}, "Name", "Fix")); diff != "" {
				t.Errorf("check (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheckSeccomp(t *testing.T) {
	if got := checkSeccomp(system(nil)).Status; got != Limited {
		t.Errorf("without filters: %s, want %s", got, Limited)
	}
	files := map[string]string{"proc/sys/kernel/seccomp/actions_avail": "kill_process kill_thread trap errno trace log allow\n"}
	if got := checkSeccomp(system(files)).Status; got != OK {
		t.Errorf("with filters: %s, want %s", got, OK)
	}
}

func TestLinuxChecks_NameEverythingThatIsolationNeeds(t *testing.T) {
	files := map[string]string{
		"proc/sys/kernel/osrelease": "6.1.0-test\n", "proc/sys/user/max_user_namespaces": "100\n",
		"sys/fs/cgroup/cgroup.controllers": "cpu memory pids\n", "proc/sys/kernel/seccomp/actions_avail": "errno\n",
	}
	for uid, user := range map[int]string{0: "root", 1000: "not root: hearth isolates functions inside a user namespace of its own"} {
		want := []Check{
			{Name: "kernel", Detail: "6.1.0-test " + runtime.GOARCH}, {Name: "user", Detail: user}, {Name: "user namespaces", Detail: "allowed"},
			{Name: "cgroups", Detail: "v2 with cpu, memory and pids"}, {Name: "seccomp", Detail: "available"},
		}
		for i := range want {
			want[i].Status = OK
		}
		if diff := cmp.Diff(want, linuxChecks(system(files), uid)); diff != "" {
			t.Errorf("as %d (-want +got):\n%s", uid, diff)
		}
	}
}

func TestSystem_EveryLimitHasAFix(t *testing.T) {
	checks, err := System(t.Context())
	if err != nil || len(checks) == 0 {
		t.Fatalf("%v, %v", checks, err)
	}
	for _, c := range checks {
		if (c.Fix == "") != (c.Status == OK) || c.Name == "" || c.Detail == "" {
			t.Errorf("%+v", c)
		}
	}
}

func TestOpenArchive_PacksADirectory(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "app.py"), []byte("pass"), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := OpenArchive(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil || len(z.File) != 1 || z.File[0].Name != "app.py" {
		t.Errorf("%+v, %v", z, err)
	}
}

func TestOpenArchive_NothingThere(t *testing.T) {
	if _, err := OpenArchive(t.Context(), filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
