package nat

import (
	"fmt"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

// tablePrefix begins the names of the tables of all gateways.
const tablePrefix = "hearth-"

// addRules makes the table, at once or not at all.
func (g *Gateway) addRules() error {
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	t := c.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: tablePrefix + g.options.Name})
	add := func(chain *nftables.Chain, parts ...[]expr.Any) {
		var all []expr.Any
		for _, p := range parts {
			all = append(all, p...)
		}
		c.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: all})
	}
	var (
		here      = g.Interface()
		sandboxes = g.record.Range
		linkLocal = netip.MustParsePrefix("169.254.0.0/16")
	)

	// Before the host changes any destination, and so may forward what was sent
	// to itself.
	pre := c.AddChain(&nftables.Chain{Name: "prerouting", Table: t, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookPrerouting, Priority: nftables.ChainPriorityRaw})
	add(pre, iifname(expr.CmpOpNeq, here), verdict(expr.VerdictAccept))
	add(pre, ipv4(expr.CmpOpNeq), verdict(expr.VerdictDrop))
	add(pre, source(expr.CmpOpNeq, sandboxes), verdict(expr.VerdictDrop))
	for _, r := range g.resolvers {
		for _, protocol := range []byte{unix.IPPROTO_UDP, unix.IPPROTO_TCP} {
			add(pre, destination(expr.CmpOpEq, netip.PrefixFrom(r, 32)), port(protocol, 53), verdict(expr.VerdictAccept))
		}
	}
	add(pre, notUnicast(), verdict(expr.VerdictDrop))
	add(pre, destination(expr.CmpOpEq, linkLocal), verdict(expr.VerdictDrop))
	add(pre, destination(expr.CmpOpEq, sandboxes), verdict(expr.VerdictDrop))

	forward := c.AddChain(&nftables.Chain{Name: "forward", Table: t, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter})
	add(forward, oifname(expr.CmpOpEq, here), answer(), verdict(expr.VerdictAccept))
	add(forward, oifname(expr.CmpOpEq, here), verdict(expr.VerdictDrop))

	post := c.AddChain(&nftables.Chain{Name: "postrouting", Table: t, Type: nftables.ChainTypeNAT,
		Hooknum: nftables.ChainHookPostrouting, Priority: nftables.ChainPriorityNATSource})
	add(post, ipv4(expr.CmpOpEq), source(expr.CmpOpEq, sandboxes), oifname(expr.CmpOpNeq, here), []expr.Any{&expr.Masq{}})
	if err := c.Flush(); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	return nil
}

// Blocked says which chain of the host's own firewall drops what is forwarded,
// unless one of its rules lets it pass; empty: none that nftables knows of.
func Blocked() string {
	c, err := nftables.New()
	if err != nil {
		return ""
	}
	chains, err := c.ListChains()
	if err != nil {
		return ""
	}
	for _, ch := range chains {
		if ch.Hooknum != nil && *ch.Hooknum == *nftables.ChainHookForward && ch.Policy != nil && *ch.Policy == nftables.ChainPolicyDrop &&
			(ch.Table.Family == nftables.TableFamilyIPv4 || ch.Table.Family == nftables.TableFamilyINet) {
			return ch.Table.Name + " " + ch.Name
		}
	}
	return ""
}

// The conditions of rules. Each uses register 1.

func compare(op expr.CmpOp, data []byte) expr.Any {
	return &expr.Cmp{Op: op, Register: 1, Data: data}
}

func verdict(kind expr.VerdictKind) []expr.Any { return []expr.Any{&expr.Verdict{Kind: kind}} }

// iifname compares the beginning of the name of the interface that a packet
// came from.
func iifname(op expr.CmpOp, prefix string) []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1}, compare(op, []byte(prefix))}
}

func oifname(op expr.CmpOp, prefix string) []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: 1}, compare(op, []byte(prefix))}
}

func ipv4(op expr.CmpOp) []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1}, compare(op, []byte{unix.NFPROTO_IPV4})}
}

// source and destination compare with a network; the packet must be IPv4.
func source(op expr.CmpOp, p netip.Prefix) []expr.Any { return network(op, 12, p) }

func destination(op expr.CmpOp, p netip.Prefix) []expr.Any { return network(op, 16, p) }

func network(op expr.CmpOp, offset uint32, p netip.Prefix) []expr.Any {
	mask := binaryutil.BigEndian.PutUint32(uint32(uint64(0xffffffff) << (32 - p.Bits())))
	return []expr.Any{
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: offset, Len: 4},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: mask, Xor: make([]byte, 4)},
		compare(op, p.Masked().Addr().AsSlice()),
	}
}

func port(protocol byte, number uint16) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		compare(expr.CmpOpEq, []byte{protocol}),
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		compare(expr.CmpOpEq, binaryutil.BigEndian.PutUint16(number)),
	}
}

// notUnicast matches what is for the host itself, for several, or for nobody.
func notUnicast() []expr.Any {
	return []expr.Any{
		&expr.Fib{Register: 1, ResultADDRTYPE: true, FlagDADDR: true},
		compare(expr.CmpOpNeq, binaryutil.NativeEndian.PutUint32(unix.RTN_UNICAST)),
	}
}

// answer matches what belongs to a connection that was let through.
func answer() []expr.Any {
	return []expr.Any{
		&expr.Ct{Register: 1, Key: expr.CtKeySTATE},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4,
			Mask: binaryutil.NativeEndian.PutUint32(expr.CtStateBitESTABLISHED | expr.CtStateBitRELATED), Xor: make([]byte, 4)},
		compare(expr.CmpOpNeq, make([]byte, 4)),
	}
}
