package nat

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"sync"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Options name a gateway.
type Options struct {
	// Name tells the gateways of a host apart: six hexadecimal digits.
	Name string
	// Record is a file to remember in what must be put back. Its directory
	// must exist, and its content belongs to the gateway.
	Record string
	// Range is what sandboxes get addresses from, at least a /30 that nothing
	// else uses. The zero value: the first free one of some private ranges.
	Range netip.Prefix
	// Resolvers are the name servers for sandboxes; nil: the host's.
	Resolvers []netip.Addr
}

// candidates are ranges that neither homes nor clouds nor containers use by default.
func candidates() []netip.Prefix {
	var all []netip.Prefix
	for i := range 16 {
		all = append(all, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(199 + i), 0, 0}), 16))
	}
	return all
}

// interfacePrefix begins the names of the interfaces of all gateways.
const interfacePrefix = "hth"

// Gateway gives sandboxes a way out. It is safe for concurrent use.
type Gateway struct {
	options   Options
	record    record
	route     *netlink.Conn
	resolvers []netip.Addr
	mtu       uint32

	mu   sync.Mutex
	next uint32 // the number of the address to try first
	used map[uint32]bool
}

// record is what must be put back.
type record struct{ Range netip.Prefix }

// Open sets the host up, after it put back what a killed predecessor left. It
// says why when the host does not let it, and then leaves nothing. The caller
// must Close the gateway.
func Open(o Options) (*Gateway, error) {
	if err := Sweep(o.Name, o.Record); err != nil {
		return nil, err
	}
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return nil, fmt.Errorf("outbound network: %w", err)
	}
	g := &Gateway{options: o, route: conn, resolvers: o.Resolvers, mtu: defaultMTU(), next: 2, used: make(map[uint32]bool)}
	if g.resolvers == nil {
		g.resolvers = hostResolvers()
	}
	if err := g.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("outbound network: %w", err), g.Close())
	}
	return g, nil
}

func (g *Gateway) open() error {
	if _, _, err := tables(); err != nil { // before anything must be put back
		return err
	}
	if err := g.takeRange(); err != nil {
		return err
	}
	return g.join()
}

// takeRange takes the first free range by a route that makes it unreachable;
// those of sandboxes are more specific.
func (g *Gateway) takeRange() error {
	ranges := candidates()
	if g.options.Range.IsValid() {
		ranges = []netip.Prefix{g.options.Range.Masked()}
	}
	taken, err := routes(g.route)
	if err != nil {
		return err
	}
	for _, r := range ranges {
		if !r.Addr().Is4() || r.Bits() > 30 {
			return fmt.Errorf("%v is not an IPv4 range of four addresses or more", r)
		}
		if overlaps(r, taken) {
			continue
		}
		g.record = record{Range: r}
		if err := g.remember(); err != nil {
			return err
		}
		err := setUnreachable(g.route, r, true)
		if err == nil {
			return nil
		}
		if err := os.Remove(g.options.Record); err != nil { // the range is not to be freed
			return err
		}
		if !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("take the range %v: %w", r, err)
		}
	}
	return fmt.Errorf("the host has routes to all of %v: choose another range", ranges)
}

func overlaps(r netip.Prefix, taken []netip.Prefix) bool {
	for _, t := range taken {
		if r.Overlaps(t) {
			return true
		}
	}
	return false
}

// remember writes the record, before what it tells of is done.
func (g *Gateway) remember() error {
	b, err := json.Marshal(g.record)
	if err != nil {
		return err
	}
	return os.WriteFile(g.options.Record, b, 0o600)
}

// address returns the n-th address of the range; the first is the gateway's.
func (g *Gateway) address(n uint32) netip.Addr {
	base := g.record.Range.Addr().As4()
	v := uint32(base[0])<<24 | uint32(base[1])<<16 | uint32(base[2])<<8 | uint32(base[3])
	v += n
	return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}

// take takes an address. They go round, so that late answers to a sandbox that
// is gone seldom find another in its place.
func (g *Gateway) take() (uint32, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	size := uint32(min(1<<(32-g.record.Range.Bits()), 1<<16))
	for range size {
		n := g.next
		if g.next++; g.next >= size-1 { // the last is for broadcasts
			g.next = 2
		}
		if !g.used[n] {
			g.used[n] = true
			return n, nil
		}
	}
	return 0, fmt.Errorf("all addresses of %v are in use", g.record.Range)
}

func (g *Gateway) give(n uint32) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.used, n)
}

// Interface is the common beginning of the host's names of this gateway's
// interfaces, for rules of the host's own.
func (g *Gateway) Interface() string { return interfaceName(g.options.Name) }

func interfaceName(gateway string) string { return interfacePrefix + gateway + "-" }

// Close puts the host back. Attachments should be closed before.
func (g *Gateway) Close() error {
	return errors.Join(g.route.Close(), Sweep(g.options.Name, g.options.Record))
}

// Sweep puts back what a gateway with this name and record has changed, if it
// was not closed. The gateway must be gone.
func Sweep(name, file string) error {
	b, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was ever changed
	}
	if err != nil {
		return fmt.Errorf("put the host's network back: %w", err)
	}
	var r record
	// A record that was cut off says that nothing was done yet.
	if err := json.Unmarshal(b, &r); err != nil || !r.Range.IsValid() {
		return os.Remove(file)
	}
	if err := putBack(name, r); err != nil {
		return fmt.Errorf("put the host's network back: %w", err)
	}
	return os.Remove(file)
}

func putBack(name string, r record) error {
	left := leave(name)
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return errors.Join(left, err)
	}
	defer conn.Close()
	if err := setUnreachable(conn, r.Range, false); err != nil && !errors.Is(err, unix.ESRCH) {
		return errors.Join(left, fmt.Errorf("free the range %v: %w", r.Range, err))
	}
	return left
}

// defaultMTU is the smallest of the host's links that are up: what fits into
// it needs no fragments, whichever way it goes.
func defaultMTU() uint32 {
	mtu := 1500
	links, err := net.Interfaces()
	if err != nil {
		return uint32(mtu)
	}
	for _, l := range links {
		if l.Flags&net.FlagUp != 0 && l.MTU >= 1280 {
			mtu = min(mtu, l.MTU)
		}
	}
	return uint32(mtu)
}
