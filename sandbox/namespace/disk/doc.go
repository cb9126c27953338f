// Package disk gives a sandbox's /tmp a size: a file system of its own on an
// image of that size. It is disk and not memory, so what a function keeps there
// is not charged to it, and a full one says ENOSPC.
//
//	template   mkfs once for each size: some ten KiB at a few offsets
//	   │ copied
//	image      sparse, unlinked at once: the kernel frees it with its last user
//	   │ LOOP_CONFIGURE, autoclear
//	device     /dev/loopN
//	   │ fsopen, fsmount
//	mount      detached; a sandbox moves it into its own mount namespace
//
// Nothing of it has a name on the host, and each part lives by what holds the
// next: when the daemon and the sandbox are gone, however they went, so are the
// mount, the device and the image. It takes the privilege to mount file
// systems, which no user namespace gives.
package disk
