// Package userns gives the daemon a user namespace where it is not root, and
// says which user and group ids it has for sandboxes, as root or in there.
//
//	root               a range of the host's that nobody else uses
//	subordinate ids    the user's range in /etc/subuid and /etc/subgid
//	neither            the user's own id, for every sandbox
//
// In the last case only the namespaces are between two sandboxes.
package userns
