// Package cgroup limits, freezes and measures sandboxes by control groups,
// version 1, version 2, or both as on hybrid hosts.
//
// Open finds the daemon's own groups, makes one group per hierarchy below them
// for all sandboxes, removes what a dead predecessor left there, and says in
// Support what this host lets it enforce. Each sandbox is a Group:
//
//	<own group>/<name>/<sandbox>          limits; pid 1 is in it      (v1 and v2)
//	<own group>/<name>/<sandbox>/inner    what Freeze stops           (v2 only)
//
// Pid 1 stays outside the inner group so that it is never frozen: it notices
// the end of the daemon at any time and takes the sandbox with it. Freezing
// needs the v2 freezer, whose frozen processes can still be killed; a v2
// hierarchy without controllers, as on hybrid hosts, is enough.
//
// A process enters a v2 group by CLONE_INTO_CGROUP. Writing cgroup.procs, the
// only way on v1, waits for an RCU grace period when no process was moved for a
// while: 13 to 29 ms were measured, against 10 us right after another move. So
// callers add processes ahead of need.
//
// On pure v2 a group with processes cannot hand controllers to its children.
// When the daemon is alone in its group, as under a service manager that
// delegates it (Delegate=yes), Open moves it into a leaf; when it is not, there
// are no limits, and Support says so.
package cgroup
