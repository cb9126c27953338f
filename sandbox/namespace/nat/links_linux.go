package nat

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Attachment is a sandbox's way out.
type Attachment struct {
	gateway *Gateway
	number  uint32
	name    string // of the host's interface
}

// innerName is what the sandbox's end is called in there.
const innerName = "eth0"

// Attach gives a network namespace an eth0 with an address and the default
// route. It takes some milliseconds. The caller must Close the attachment, or Remove it.
func (g *Gateway) Attach(namespace *os.File) (*Attachment, error) {
	n, err := g.take()
	if err != nil {
		return nil, fmt.Errorf("attach to the network: %w", err)
	}
	a := &Attachment{gateway: g, number: n, name: g.Interface() + strconv.Itoa(int(n))}
	if err := a.open(namespace); err != nil {
		return nil, errors.Join(fmt.Errorf("attach to the network: %w", err), a.Remove())
	}
	return a, nil
}

func (a *Attachment) open(namespace *os.File) error {
	conn, address, gateway := a.gateway.route, a.gateway.address(a.number), a.gateway.address(1)
	if err := addPair(conn, a.name, a.gateway.mtu, namespace); err != nil {
		return fmt.Errorf("make a veth pair: %w", err)
	}
	outer, err := find(conn, a.name)
	if err != nil {
		return err
	}
	if err := os.WriteFile("/proc/sys/net/ipv4/conf/"+a.name+"/forwarding", []byte("1"), 0); err != nil {
		return err
	}
	if err := addAddress(conn, outer.index, gateway); err != nil {
		return fmt.Errorf("set the gateway's address: %w", err)
	}
	if err := addRoute(conn, outer.index, netip.PrefixFrom(address, 32), netip.Addr{}); err != nil {
		return fmt.Errorf("route to the sandbox: %w", err)
	}
	if err := configureInner(namespace, address, gateway); err != nil {
		return err
	}
	// The kernel activates this end a little after the other came up; what was
	// sent before would be lost, and sent again only a second later.
	return poll(upTime, "the link does not come up", func() (bool, error) {
		l, err := find(conn, a.name)
		return l.flags&unix.IFF_RUNNING != 0, err
	})
}

// All take milliseconds as a rule.
const (
	lockTime = 5 * time.Second
	upTime   = 5 * time.Second
	goneTime = 250 * time.Millisecond
)

// poll waits until a condition holds.
func poll(patience time.Duration, otherwise string, holds func() (bool, error)) error {
	for deadline := time.Now().Add(patience); ; <-time.After(time.Millisecond) {
		ok, err := holds()
		if ok || err != nil {
			return err
		}
		if time.Now().After(deadline) {
			return errors.New(otherwise)
		}
	}
}

// configureInner gives the sandbox's end its address and makes it the way to
// everything.
func configureInner(namespace *os.File, address, gateway netip.Addr) error {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, &netlink.Config{NetNS: int(namespace.Fd())})
	if err != nil {
		return fmt.Errorf("enter the network namespace: %w", err)
	}
	defer conn.Close()
	inner, err := bringUp(conn, innerName)
	if err != nil {
		return fmt.Errorf("bring the sandbox's link up: %w", err)
	}
	if err := addAddress(conn, inner.index, address); err != nil {
		return fmt.Errorf("set the sandbox's address: %w", err)
	}
	if err := addRoute(conn, inner.index, netip.PrefixFrom(netip.IPv4Unspecified(), 0), gateway); err != nil {
		return fmt.Errorf("set the default route: %w", err)
	}
	return nil
}

// Address is the sandbox's.
func (a *Attachment) Address() netip.Addr { return a.gateway.address(a.number) }

// Remove removes both ends at once. It takes the kernel tens of milliseconds.
func (a *Attachment) Remove() error {
	if err := removeLink(a.gateway.route, a.name); err != nil && !errors.Is(err, unix.ENODEV) {
		return fmt.Errorf("detach from the network: %w", err)
	}
	a.gateway.give(a.number)
	return nil
}

// Close waits for the end of an attachment whose namespace has ended: the kernel
// removes many at a time, which is cheaper than Remove for each. When it does
// not, for whatever holds the namespace, Close removes it.
func (a *Attachment) Close() error {
	err := poll(goneTime, "the link is still there", func() (bool, error) {
		_, err := find(a.gateway.route, a.name)
		if errors.Is(err, unix.ENODEV) {
			return true, nil
		}
		return false, err
	})
	if err != nil {
		return a.Remove()
	}
	a.gateway.give(a.number)
	return nil
}

// request sends a message of a family's header and attributes, and waits for
// the acknowledgement.
func request(conn *netlink.Conn, kind netlink.HeaderType, flags netlink.HeaderFlags, header []byte, attributes func(*netlink.AttributeEncoder)) error {
	e := netlink.NewAttributeEncoder()
	attributes(e)
	encoded, err := e.Encode()
	if err != nil {
		return err
	}
	_, err = conn.Execute(netlink.Message{
		Header: netlink.Header{Type: kind, Flags: netlink.Request | netlink.Acknowledge | flags},
		Data:   append(header, encoded...),
	})
	return err
}

const makeNew = netlink.Create | netlink.Excl

// linkHeader is a struct ifinfomsg with flags to set.
func linkHeader(index, flags uint32) []byte {
	b := make([]byte, unix.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:], index)
	binary.NativeEndian.PutUint32(b[8:], flags)
	binary.NativeEndian.PutUint32(b[12:], flags)
	return b
}

// vethPeer is VETH_INFO_PEER.
const vethPeer = 1

// addPair makes a pair: name here, and innerName in a network namespace.
func addPair(conn *netlink.Conn, name string, mtu uint32, namespace *os.File) error {
	return request(conn, unix.RTM_NEWLINK, makeNew, linkHeader(0, unix.IFF_UP), func(e *netlink.AttributeEncoder) {
		e.String(unix.IFLA_IFNAME, name)
		e.Uint32(unix.IFLA_MTU, mtu)
		e.Nested(unix.IFLA_LINKINFO, func(e *netlink.AttributeEncoder) error {
			e.String(unix.IFLA_INFO_KIND, "veth")
			e.Nested(unix.IFLA_INFO_DATA, func(e *netlink.AttributeEncoder) error {
				e.Do(vethPeer, func() ([]byte, error) {
					peer := netlink.NewAttributeEncoder()
					peer.String(unix.IFLA_IFNAME, innerName)
					peer.Uint32(unix.IFLA_MTU, mtu)
					peer.Uint32(unix.IFLA_NET_NS_FD, uint32(namespace.Fd()))
					b, err := peer.Encode()
					return append(linkHeader(0, 0), b...), err // up before it has a peer: ENOTCONN
				})
				return nil
			})
			return nil
		})
	})
}

// link is an interface.
type link struct {
	index int
	flags uint32
}

// find looks an interface up: ENODEV.
func find(conn *netlink.Conn, name string) (link, error) {
	e := netlink.NewAttributeEncoder()
	e.String(unix.IFLA_IFNAME, name)
	encoded, err := e.Encode()
	if err != nil {
		return link{}, err
	}
	replies, err := conn.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.RTM_GETLINK, Flags: netlink.Request},
		Data:   append(linkHeader(0, 0), encoded...),
	})
	if err != nil {
		return link{}, fmt.Errorf("look up %s: %w", name, err)
	}
	if len(replies) != 1 || len(replies[0].Data) < unix.SizeofIfInfomsg {
		return link{}, fmt.Errorf("look up %s: %d answers", name, len(replies))
	}
	b := replies[0].Data
	return link{index: int(binary.NativeEndian.Uint32(b[4:])), flags: binary.NativeEndian.Uint32(b[8:])}, nil
}

// bringUp brings an interface up and looks it up.
func bringUp(conn *netlink.Conn, name string) (link, error) {
	err := request(conn, unix.RTM_NEWLINK, 0, linkHeader(0, unix.IFF_UP), func(e *netlink.AttributeEncoder) {
		e.String(unix.IFLA_IFNAME, name)
	})
	if err != nil {
		return link{}, err
	}
	return find(conn, name)
}

func removeLink(conn *netlink.Conn, name string) error {
	return request(conn, unix.RTM_DELLINK, 0, make([]byte, unix.SizeofIfInfomsg), func(e *netlink.AttributeEncoder) {
		e.String(unix.IFLA_IFNAME, name)
	})
}

// addAddress gives an interface an address without a network.
func addAddress(conn *netlink.Conn, index int, a netip.Addr) error {
	header := []byte{unix.AF_INET, 32, 0, unix.RT_SCOPE_UNIVERSE, 0, 0, 0, 0}
	binary.NativeEndian.PutUint32(header[4:], uint32(index))
	return request(conn, unix.RTM_NEWADDR, makeNew, header, func(e *netlink.AttributeEncoder) {
		e.Bytes(unix.IFA_LOCAL, a.AsSlice())
		e.Bytes(unix.IFA_ADDRESS, a.AsSlice())
	})
}

// routeHeader is a struct rtmsg.
func routeHeader(to netip.Prefix, scope, kind byte, flags uint32) []byte {
	h := []byte{unix.AF_INET, byte(to.Bits()), 0, 0, unix.RT_TABLE_MAIN, unix.RTPROT_STATIC, scope, kind, 0, 0, 0, 0}
	binary.NativeEndian.PutUint32(h[8:], flags)
	return h
}

// addRoute routes to a network, directly or via a gateway that need not be in
// any network.
func addRoute(conn *netlink.Conn, index int, to netip.Prefix, via netip.Addr) error {
	header := routeHeader(to, unix.RT_SCOPE_LINK, unix.RTN_UNICAST, 0)
	if via.IsValid() {
		header = routeHeader(to, unix.RT_SCOPE_UNIVERSE, unix.RTN_UNICAST, unix.RTNH_F_ONLINK)
	}
	return request(conn, unix.RTM_NEWROUTE, makeNew, header, func(e *netlink.AttributeEncoder) {
		e.Uint32(unix.RTA_OIF, uint32(index))
		if to.Bits() > 0 {
			e.Bytes(unix.RTA_DST, to.Addr().AsSlice())
		}
		if via.IsValid() {
			e.Bytes(unix.RTA_GATEWAY, via.AsSlice())
		}
	})
}

// setUnreachable adds or removes a route that says that a network is
// unreachable: EEXIST, ESRCH.
func setUnreachable(conn *netlink.Conn, to netip.Prefix, add bool) error {
	kind, flags := netlink.HeaderType(unix.RTM_NEWROUTE), makeNew
	if !add {
		kind, flags = unix.RTM_DELROUTE, 0
	}
	header := routeHeader(to, unix.RT_SCOPE_UNIVERSE, unix.RTN_UNREACHABLE, 0)
	return request(conn, kind, flags, header, func(e *netlink.AttributeEncoder) {
		e.Bytes(unix.RTA_DST, to.Addr().AsSlice())
	})
}

// routes returns where the host has routes to, but for the default.
func routes(conn *netlink.Conn) ([]netip.Prefix, error) {
	header := make([]byte, unix.SizeofRtMsg)
	header[0] = unix.AF_INET
	replies, err := conn.Execute(netlink.Message{
		Header: netlink.Header{Type: unix.RTM_GETROUTE, Flags: netlink.Request | netlink.Dump},
		Data:   header,
	})
	if err != nil {
		return nil, fmt.Errorf("list routes: %w", err)
	}
	var found []netip.Prefix
	for _, r := range replies {
		if r.Header.Type != unix.RTM_NEWROUTE || len(r.Data) < unix.SizeofRtMsg {
			continue
		}
		attributes, err := netlink.UnmarshalAttributes(r.Data[unix.SizeofRtMsg:])
		if err != nil {
			return nil, fmt.Errorf("list routes: %w", err)
		}
		for _, a := range attributes {
			if to, ok := netip.AddrFromSlice(a.Data); ok && a.Type == unix.RTA_DST && r.Data[1] > 0 {
				found = append(found, netip.PrefixFrom(to, int(r.Data[1])).Masked())
			}
		}
	}
	return found, nil
}
