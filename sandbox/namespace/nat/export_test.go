//go:build linux

package nat

import (
	"net/netip"
	"os"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Wire connects this network namespace, at address here, with another, at
// address there, as two machines on a link are: routes lead from here to a
// network behind it, and from there to everything.
func Wire(name string, namespace *os.File, here, there netip.Addr, networks ...netip.Prefix) error {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := addPair(conn, name, 1500, namespace); err != nil {
		return err
	}
	outer, err := find(conn, name)
	if err != nil {
		return err
	}
	if err := addAddress(conn, outer.index, here); err != nil {
		return err
	}
	for _, n := range networks {
		if err := addRoute(conn, outer.index, n, netip.Addr{}); err != nil {
			return err
		}
	}
	if err := configureInner(namespace, there, here); err != nil {
		return err
	}
	return poll(upTime, "the link does not come up", func() (bool, error) {
		l, err := find(conn, name)
		return l.flags&unix.IFF_RUNNING != 0, err
	})
}

// AddAddress gives the link of a wired namespace one more address.
func AddAddress(namespace *os.File, a netip.Addr) error {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{NetNS: int(namespace.Fd())})
	if err != nil {
		return err
	}
	defer conn.Close()
	inner, err := bringUp(conn, innerName)
	if err != nil {
		return err
	}
	return addAddress(conn, inner.index, a)
}

// BringLoopbackUp brings lo of this network namespace up.
func BringLoopbackUp() error {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = bringUp(conn, "lo")
	return err
}

// Unwire removes what Wire made.
func Unwire(name string) error {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	return removeLink(conn, name)
}

// Routes returns where there are routes to.
func Routes() ([]netip.Prefix, error) {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return routes(conn)
}

// Tables counts gateways' tables, and says whether they have one in common.
func Tables() (gateways int, guarded bool, err error) { return tables() }

// Reachable returns the name servers of a resolv.conf that sandboxes can reach.
func Reachable(config string) []netip.Addr { return reachable(config) }
