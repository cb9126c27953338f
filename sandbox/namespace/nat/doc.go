// Package nat is the way out of sandboxes into the host's network: a veth pair
// for each, routed and masqueraded by the host.
//
//	sandbox                        host
//	eth0 ADDRESS/32  ═══ veth ═══  hth<name>-<n> GATEWAY/32     route ADDRESS/32
//	default via GATEWAY            nftables table inet hearth-<name>:
//	                                 prerouting   what a sandbox may send
//	                                 forward      answers in, nothing else
//	                                 postrouting  masquerade
//
// There is no bridge: sandboxes share no link, and a host may have as many as it
// has addresses. A sandbox reaches what the host routes to, except for
//
//   - the host itself, at any of its addresses, also where the host forwards a
//     port to somewhere else, and other sandboxes of any daemon;
//   - link-local addresses, the metadata service of clouds among them;
//   - anything by IPv6.
//
// Name servers from the host's resolv.conf are reached in spite of it, on port 53.
// Nothing reaches a sandbox uninvited.
//
// A Gateway touches four things of the host: interfaces whose names begin with
// hth, the tables hearth-<name> and hearth, one unreachable route that takes its
// range, and, when it was off, net.ipv4.ip_forward: the table hearth then keeps
// the host from forwarding for anybody but sandboxes, and the last gateway to
// close takes it along and switches forwarding off. All are put back by Close, or
// by the next Open or Sweep with the same name and record. IPv4 only.
package nat
