package nat

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

const forwardingFile = "/proc/sys/net/ipv4/ip_forward"

// guardTable is there while a gateway has switched forwarding on. It belongs to
// all gateways of the host: the last one to leave takes it along, and switches
// forwarding off. Its rule keeps the host from forwarding for others, as before.
const guardTable = "hearth"

// join makes the gateway's rules, and then sees to it that the host forwards.
func (g *Gateway) join() error {
	unlock, err := lockForwarding()
	if err != nil {
		return err
	}
	defer unlock()
	if err := g.addRules(); err != nil {
		return err
	}
	on, err := os.ReadFile(forwardingFile)
	if err != nil || strings.TrimSpace(string(on)) != "0" {
		return err
	}
	if err := addGuard(); err != nil {
		return err
	}
	return setForwarding("1")
}

// leave removes a gateway's rules, and as the last one what all share.
func leave(name string) error {
	unlock, err := lockForwarding()
	if err != nil {
		return err
	}
	defer unlock()
	if err := removeTable(tablePrefix + name); err != nil {
		return err
	}
	gateways, guarded, err := tables()
	if err != nil || gateways > 0 || !guarded {
		return err
	}
	if err := setForwarding("0"); err != nil {
		return err
	}
	return removeTable(guardTable)
}

// lockForwarding keeps other gateways of the host from joining and leaving.
func lockForwarding() (unlock func(), err error) {
	f, err := os.Open(forwardingFile)
	if err != nil {
		return nil, err
	}
	err = poll(lockTime, "another process holds a lock on "+forwardingFile, func() (bool, error) {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			return false, nil
		}
		return true, err
	})
	if err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}

func setForwarding(value string) error {
	if err := os.WriteFile(forwardingFile, []byte(value), 0); err != nil {
		return fmt.Errorf("set net.ipv4.ip_forward: %w", err)
	}
	return nil
}

func addGuard() error {
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	t := c.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: guardTable})
	forward := c.AddChain(&nftables.Chain{Name: "forward", Table: t, Type: nftables.ChainTypeFilter,
		Hooknum: nftables.ChainHookForward, Priority: nftables.ChainPriorityFilter})
	var others []expr.Any
	for _, part := range [][]expr.Any{ipv4(expr.CmpOpEq), iifname(expr.CmpOpNeq, interfacePrefix), oifname(expr.CmpOpNeq, interfacePrefix), verdict(expr.VerdictDrop)} {
		others = append(others, part...)
	}
	c.AddRule(&nftables.Rule{Table: t, Chain: forward, Exprs: others})
	if err := c.Flush(); err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	return nil
}

func removeTable(name string) error {
	c, err := nftables.New()
	if err != nil {
		return fmt.Errorf("nftables: %w", err)
	}
	c.DelTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: name})
	if err := c.Flush(); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("nftables: %w", err)
	}
	return nil
}

// tables counts the host's gateways, and looks for the table that they share.
func tables() (gateways int, guarded bool, err error) {
	c, err := nftables.New()
	if err != nil {
		return 0, false, fmt.Errorf("nftables: %w", err)
	}
	all, err := c.ListTablesOfFamily(nftables.TableFamilyINet)
	if err != nil {
		return 0, false, fmt.Errorf("nftables: %w", err)
	}
	for _, t := range all {
		if strings.HasPrefix(t.Name, tablePrefix) {
			gateways++
		}
		guarded = guarded || t.Name == guardTable
	}
	return gateways, guarded, nil
}
