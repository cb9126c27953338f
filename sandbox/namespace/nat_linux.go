package namespace

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/namespace/nat"
)

// openNAT sets the host up for sandboxes with NAT, when that is asked for, tries
// it, and adds what came of it to the capabilities. What a predecessor left of
// its own it removes in any case.
func (d *Driver) openNAT(ctx context.Context, o Options) {
	hash := sha256.Sum256([]byte(d.dir))
	name, record := fmt.Sprintf("%x", hash[:3]), filepath.Join(d.dir, "nat")
	if !o.NAT {
		if err := nat.Sweep(name, record); err != nil {
			d.log.WarnContext(ctx, "an earlier gateway of sandboxes is left in the host's network", "error", err)
		}
		return
	}
	gateway, err := nat.Open(nat.Options{Name: name, Record: record, Range: o.NATRange})
	if err == nil {
		d.nat = gateway
		err = d.tryNAT(ctx)
	}
	if err == nil {
		d.describeNAT()
		return
	}
	if d.nat != nil {
		err = errors.Join(err, d.nat.Close())
		d.nat = nil
	}
	d.miss("outbound network (nat)", err.Error()+": a function reaches its own loopback only, unless its network is host",
		"run hearth as root on a kernel with veth and nftables, or use the host's network for functions that need the network")
}

// tryNAT makes a cell with a way out, and what it needs besides.
func (d *Driver) tryNAT(ctx context.Context) error {
	content, _ := d.nat.ResolvConf()
	if err := d.host.Skeleton.WriteResolvConf(content); err != nil {
		return err
	}
	c, err := d.newCell(ctx, sandbox.NetworkNAT)
	if err != nil {
		return err
	}
	return c.close()
}

// describeNAT adds what may still be in the way.
func (d *Driver) describeNAT() {
	d.capabilities.Outbound = true
	if _, ok := d.nat.ResolvConf(); !ok {
		d.miss("names in the outbound network", "none of the host's name servers is at an IPv4 address outside of its loopback", "name one in /etc/resolv.conf, and start hearth again")
	}
	if chain := nat.Blocked(); chain != "" {
		d.miss("outbound network (nat) through the host's firewall", "unless one of its rules lets them pass, "+chain+" drops the packets of functions",
			fmt.Sprintf("iptables -I FORWARD -i %[1]s+ -j ACCEPT; iptables -I FORWARD -o %[1]s+ -j ACCEPT", d.nat.Interface()))
	}
}

func (d *Driver) miss(what, why, fix string) {
	d.capabilities.Missing = append(d.capabilities.Missing, sandbox.Missing{What: what, Why: why, Fix: fix})
}

// network is what a sandbox gets of what its Spec asks for.
func (d *Driver) network(ctx context.Context, spec sandbox.Spec) sandbox.Network {
	switch {
	case spec.Network == sandbox.NetworkHost:
		return sandbox.NetworkHost
	case spec.Network == sandbox.NetworkNAT && d.nat != nil:
		return sandbox.NetworkNAT
	case spec.Network == sandbox.NetworkNAT:
		d.sayNAT.Do(func() {
			d.log.WarnContext(ctx, "there is no NAT: functions reach their own loopback only")
		})
	}
	return sandbox.NetworkNone
}

// connect gives the cell a way out, if it is to have one.
func (c *cell) connect() error {
	if c.network != sandbox.NetworkNAT {
		return nil
	}
	namespace, err := c.init.NetworkNamespace()
	if err != nil {
		return err
	}
	defer namespace.Close()
	attachment, err := c.driver.nat.Attach(namespace)
	if err != nil {
		return err
	}
	c.remains = append(c.remains, attachment.Close)
	return nil
}
