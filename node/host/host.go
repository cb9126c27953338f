package host

import (
	"context"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"

	"github.com/hearthd/hearth/sandbox/namespace/userns"
)

// System looks at what the operating system offers to isolate and limit
// functions with.
func System(context.Context) ([]Check, error) {
	if runtime.GOOS != "linux" {
		return []Check{{
			Name: "isolation", Status: Limited, Detail: runtime.GOOS + ": functions are plain child processes",
			Fix: "run hearth on Linux to isolate functions",
		}}, nil
	}
	uid := os.Getuid()
	if userns.Entered() {
		uid = notRoot // root of its own namespace only
	}
	return linuxChecks(os.DirFS("/"), uid), nil
}

// notRoot stands for any ordinary user.
const notRoot = -1

// linuxChecks reads the files under root as those of a Linux host.
func linuxChecks(root fs.FS, uid int) []Check {
	return []Check{
		{Name: "kernel", Status: OK, Detail: readWord(root, "proc/sys/kernel/osrelease") + " " + runtime.GOARCH},
		checkUser(uid),
		checkUserNamespaces(root, uid),
		checkCgroups(root),
		checkSeccomp(root),
	}
}

func checkUser(uid int) Check {
	if uid == 0 {
		return Check{Name: "user", Status: OK, Detail: "root"}
	}
	return Check{Name: "user", Status: OK, Detail: "not root: hearth isolates functions inside a user namespace of its own"}
}

// checkUserNamespaces looks at the three settings that may forbid them. Root
// needs none of the three, but is limited to nothing either.
func checkUserNamespaces(root fs.FS, uid int) Check {
	check := Check{Name: "user namespaces", Status: OK, Detail: "allowed"}
	refuse := func(why, fix string) Check {
		check.Status, check.Detail, check.Fix = Missing, why, fix
		return check
	}
	switch {
	case readWord(root, "proc/sys/user/max_user_namespaces") == "":
		return refuse("the kernel has none", "use a kernel with CONFIG_USER_NS")
	case readWord(root, "proc/sys/user/max_user_namespaces") == "0":
		return refuse("user.max_user_namespaces is 0", "sysctl -w user.max_user_namespaces=15000")
	case uid == 0:
		return check
	case readWord(root, "proc/sys/kernel/unprivileged_userns_clone") == "0":
		return refuse("kernel.unprivileged_userns_clone is 0", "sysctl -w kernel.unprivileged_userns_clone=1, or run hearth as root")
	case readWord(root, "proc/sys/kernel/apparmor_restrict_unprivileged_userns") == "1":
		return refuse("AppArmor restricts them", "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or run hearth as root")
	default:
		return check
	}
}

// checkCgroups says which cgroup version has the controllers that limits need.
// On a hybrid host they are where cgroup v1 has them.
func checkCgroups(root fs.FS) Check {
	version := "v1"
	controllers := v1Controllers(root)
	if len(controllers) == 0 {
		version = "v2"
		controllers = strings.Fields(readText(root, "sys/fs/cgroup/cgroup.controllers"))
	}
	var missing []string
	for _, name := range []string{"cpu", "memory", "pids"} {
		if !slices.Contains(controllers, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) == 0 {
		return Check{Name: "cgroups", Status: OK, Detail: version + " with cpu, memory and pids"}
	}
	return Check{
		Name: "cgroups", Status: Limited, Detail: version + " without " + strings.Join(missing, ", "),
		Fix: "mount cgroup2 on /sys/fs/cgroup and enable the controllers cpu, memory and pids (a kernel parameter such as cgroup_enable=memory may be needed)",
	}
}

// v1Controllers returns the controllers that this process finds in cgroup v1
// hierarchies: the lines of /proc/self/cgroup but "0::/path", which is v2's.
func v1Controllers(root fs.FS) []string {
	var controllers []string
	for line := range strings.Lines(readText(root, "proc/self/cgroup")) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(fields) == 3 && fields[1] != "" && !strings.HasPrefix(fields[1], "name=") {
			controllers = append(controllers, strings.Split(fields[1], ",")...)
		}
	}
	return controllers
}

func checkSeccomp(root fs.FS) Check {
	if !strings.Contains(readText(root, "proc/sys/kernel/seccomp/actions_avail"), "errno") {
		return Check{Name: "seccomp", Status: Limited, Detail: "the kernel has no system call filters", Fix: "use a kernel with CONFIG_SECCOMP_FILTER"}
	}
	return Check{Name: "seccomp", Status: OK, Detail: "available"}
}

// readText returns the text of a file, or nothing if it cannot be read: for
// the files of /proc that means that the kernel does not have the feature.
func readText(root fs.FS, name string) string {
	data, err := fs.ReadFile(root, name)
	if err != nil {
		return ""
	}
	return string(data)
}

func readWord(root fs.FS, name string) string { return strings.TrimSpace(readText(root, name)) }
