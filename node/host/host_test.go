package host

import (
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
