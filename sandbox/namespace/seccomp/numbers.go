package seccomp

// tables returns the filter's numbers by GOARCH. A call that an architecture
// does not have is not in its list.
func tables() map[string]table {
	return map[string]table{
		"amd64": {
			arch: 0xc000003e, x32: true, clone: 56, socket: 41, pair: 53, person: 135, limits: 302,
			enosys: []uint32{
				435, // clone3
				425, // io_uring_setup
				426, // io_uring_enter
				427, // io_uring_register
			},
			eperm: []uint32{
				165, // mount
				166, // umount2
				155, // pivot_root
				161, // chroot
				428, // open_tree
				467, // open_tree_attr
				429, // move_mount
				430, // fsopen
				431, // fsconfig
				432, // fsmount
				433, // fspick
				442, // mount_setattr
				272, // unshare
				308, // setns
				101, // ptrace
				310, // process_vm_readv
				311, // process_vm_writev
				440, // process_madvise
				312, // kcmp
				438, // pidfd_getfd
				323, // userfaultfd
				321, // bpf
				298, // perf_event_open
				248, // add_key
				249, // request_key
				250, // keyctl
				246, // kexec_load
				320, // kexec_file_load
				175, // init_module
				313, // finit_module
				176, // delete_module
				174, // create_module
				178, // query_module
				177, // get_kernel_syms
				169, // reboot
				167, // swapon
				168, // swapoff
				164, // settimeofday
				227, // clock_settime
				159, // adjtimex
				305, // clock_adjtime
				163, // acct
				179, // quotactl
				443, // quotactl_fd
				103, // syslog
				172, // iopl
				173, // ioperm
				154, // modify_ldt
				212, // lookup_dcookie
				180, // nfsservctl
				153, // vhangup
				170, // sethostname
				171, // setdomainname
				304, // open_by_handle_at
				303, // name_to_handle_at
				300, // fanotify_init
				301, // fanotify_mark
				279, // move_pages
				256, // migrate_pages
				237, // mbind
				238, // set_mempolicy
				450, // set_mempolicy_home_node
				134, // uselib
				136, // ustat
				139, // sysfs
				156, // _sysctl
			},
		},
		"arm64": {
			arch: 0xc00000b7, x32: false, clone: 220, socket: 198, pair: 199, person: 92, limits: 261,
			enosys: []uint32{
				435, // clone3
				425, // io_uring_setup
				426, // io_uring_enter
				427, // io_uring_register
			},
			eperm: []uint32{
				40,  // mount
				39,  // umount2
				41,  // pivot_root
				51,  // chroot
				428, // open_tree
				467, // open_tree_attr
				429, // move_mount
				430, // fsopen
				431, // fsconfig
				432, // fsmount
				433, // fspick
				442, // mount_setattr
				97,  // unshare
				268, // setns
				117, // ptrace
				270, // process_vm_readv
				271, // process_vm_writev
				440, // process_madvise
				272, // kcmp
				438, // pidfd_getfd
				282, // userfaultfd
				280, // bpf
				241, // perf_event_open
				217, // add_key
				218, // request_key
				219, // keyctl
				104, // kexec_load
				294, // kexec_file_load
				105, // init_module
				273, // finit_module
				106, // delete_module
				142, // reboot
				224, // swapon
				225, // swapoff
				170, // settimeofday
				112, // clock_settime
				171, // adjtimex
				266, // clock_adjtime
				89,  // acct
				60,  // quotactl
				443, // quotactl_fd
				116, // syslog
				18,  // lookup_dcookie
				42,  // nfsservctl
				58,  // vhangup
				161, // sethostname
				162, // setdomainname
				265, // open_by_handle_at
				264, // name_to_handle_at
				262, // fanotify_init
				263, // fanotify_mark
				239, // move_pages
				238, // migrate_pages
				235, // mbind
				237, // set_mempolicy
				450, // set_mempolicy_home_node
			},
		},
	}
}
