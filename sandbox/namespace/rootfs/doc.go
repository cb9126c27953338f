// Package rootfs is what sandboxes see as their file system: a root that all of
// a driver share, and the mounts that each has in it besides.
//
//	Skeleton     a directory of the driver's: mount points and a few files
//	  HostBinds    programs, libraries and devices of the host; for all
//	  Binds        the function's directories, /tmp, how names resolve, how much
//	               memory there is; for one
//
// Host directories and files are on their way into a sandbox as a Bind, a
// detached mount: no path of the host is resolved in a sandbox, and no mount
// ever appears in the host's mount table.
package rootfs
