// Package pid1 is the processes of sandboxes, and all that is done from inside
// of one: each sandbox has a stage 2 as its pid 1 (package stage2), and the
// tables of system calls that it runs are made here.
//
//	daemon ─┬─ Spawner     stage 2 in the daemon's namespaces, but for its own
//	        │              mount namespace: its root is the root of every sandbox
//	        └─ Init        pid 1 of a sandbox: stage 2, cloned by the spawner
//	             └─ ...    what Start starts: cloned by pid 1, uid 993, then
//	                       exec'ed
//
// An Init has no ids and does nothing until MapIDs and SetUp; then Mount gives
// it a function's directories. A socket belongs to the network namespace that
// made it, whoever uses it. So pid 1 also makes those that the daemon needs
// inside, and hands them over: no thread of the daemon ever enters a sandbox, and
// it works without privilege.
package pid1
