// Package namespace is the default sandbox driver on Linux: every sandbox has
// user, mount, pid, network, ipc, uts and cgroup namespaces of its own, a
// read-only root, an unprivileged user without capabilities under seccomp, and
// limits by control groups. It needs no daemon, no image and no set-uid helper,
// and works as root and, with fewer limits, as any user (package userns).
//
// # Parts
//
//	Driver, sandboxes, spares    here: what is made in which order, and undone; what
//	  │                          the host allows
//	  ├─ pid1                    the processes: the spawner, pid 1 of each sandbox,
//	  │    └─ stage2             and what it starts, by tables of system calls
//	  ├─ rootfs                  what they see as their file system
//	  ├─ userns                  the ids they have; entering a user namespace
//	  ├─ cgroup, seccomp         their limits
//	  ├─ disk, scratch           their /tmp
//	  └─ nat                     their way out
//
// The daemon itself never forks for a sandbox.
//
// # Life of a sandbox
//
//	cell:    clone with new namespaces, map ids, join cgroups; /proc, loopback,
//	         Runtime API listener, an empty /tmp: ahead of need  (two tables)
//	Create:  limits; mount the function's directories            (one table)
//	Start:   fork, drop everything, chdir, execve                (one table)
//	KillAll: kill(-1), reap until no child is left               (a table a round)
//	Close:   kill pid 1, and with it the kernel kills the pid namespace
//
// When the daemon dies, however it dies, the control socket of each pid 1
// closes, pid 1 exits and the kernel does the rest, the disks of /tmp (package
// disk) included; what stays, directories and empty control groups, is removed
// by the next New with the same state directory.
//
// # Limits of the host's own
//
// Where the daemon is root, /tmp is a disk of its own size (package disk), and a
// sandbox may have a way out that does not lead to the host (package nat). Both
// take milliseconds to make and are made with the spares. Elsewhere /tmp is a
// directory without a limit and NAT is no network at all; Capabilities say so.
//
// # Users
//
// As root, in-sandbox root and uid 993 are mapped to host ids from a range that
// nobody else uses, and no two live sandboxes share the latter. Package userns
// says what is otherwise.
package namespace
