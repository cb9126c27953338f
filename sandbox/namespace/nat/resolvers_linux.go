package nat

import (
	"net/netip"
	"os"
	"strings"
)

// resolverFiles are where the host's name servers are found: its own, or, when
// that names a resolver on the host's loopback, those that systemd-resolved asks.
var resolverFiles = [...]string{"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"}

// hostResolvers returns the host's name servers that a sandbox can reach.
func hostResolvers() []netip.Addr {
	for _, file := range resolverFiles {
		b, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		if found := reachable(string(b)); len(found) > 0 {
			return found
		}
	}
	return nil
}

// reachable returns the name servers of a resolv.conf that are IPv4 and not on
// a loopback.
func reachable(config string) []netip.Addr {
	var found []netip.Addr
	for line := range strings.Lines(config) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0] != "nameserver" {
			continue
		}
		if a, err := netip.ParseAddr(f[1]); err == nil && a.Is4() && !a.IsLoopback() && !a.IsUnspecified() {
			found = append(found, a)
		}
	}
	return found[:min(len(found), 3)] // resolvers read no more
}

// ResolvConf is what a sandbox's /etc/resolv.conf says: the host's name servers
// when the gateway was opened. ok is false when none of them can be reached
// from a sandbox.
func (g *Gateway) ResolvConf() (content string, ok bool) {
	if len(g.resolvers) == 0 {
		return "# None of the host's name servers can be reached from here.\n", false
	}
	var b strings.Builder
	for _, r := range g.resolvers {
		b.WriteString("nameserver " + r.String() + "\n")
	}
	return b.String(), true
}
