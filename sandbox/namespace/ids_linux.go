package namespace

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// The function's user, as on Lambda.
const (
	functionUID = 993
	functionGID = 990
)

// Ids that sandboxes get as root: far above those of people, services and
// subordinate ranges. The first is in-sandbox root, which all sandboxes share;
// each live sandbox has one of the others.
const (
	rootBase  = 0x6000_0000
	rootCount = 1 << 16
)

// idPool says which ids of the daemon's user namespace sandboxes run as.
type idPool struct {
	base  int // in-sandbox root; base+1 and up are the functions'
	count int // of ids from base on; 0: there is none but the daemon's own
}

// readIDPool looks at which ids the daemon's user namespace has.
func readIDPool() (idPool, error) {
	uids, err := idRange("/proc/self/uid_map")
	if err != nil {
		return idPool{}, err
	}
	gids, err := idRange("/proc/self/gid_map")
	if err != nil {
		return idPool{}, err
	}
	// One range for both keeps the arithmetic in one place; ranges that do not
	// overlap are not worth two.
	p := idPool{base: max(uids.base, gids.base)}
	p.count = min(uids.base+uids.count, gids.base+gids.count) - p.base
	if p.count < 2 {
		return idPool{}, nil
	}
	return p, nil
}

// idRange returns the ids of a map that sandboxes can use: not 0, the daemon's.
func idRange(file string) (idPool, error) {
	f, err := os.Open(file)
	if err != nil {
		return idPool{}, fmt.Errorf("read the ids of the user namespace: %w", err)
	}
	defer f.Close()
	var best idPool
	for s := bufio.NewScanner(f); s.Scan(); {
		var inside, outside, count int
		if _, err := fmt.Sscan(s.Text(), &inside, &outside, &count); err != nil {
			return idPool{}, fmt.Errorf("read %s: %w", file, err)
		}
		if inside <= rootBase && inside+count >= rootBase+rootCount {
			return idPool{base: rootBase, count: rootCount}, nil
		}
		if inside == 0 {
			inside, count = 1, count-1
		}
		if count > best.count {
			best = idPool{base: inside, count: min(count, rootCount)}
		}
	}
	return best, nil
}

// single says that sandboxes run as the daemon's own user.
func (p idPool) single() bool { return p.count == 0 }

// root is the id of in-sandbox root: of pid 1, and the owner of /tmp.
func (p idPool) root() int {
	if p.single() {
		return os.Getuid()
	}
	return p.base
}

// rootGroup is the group that goes with root.
func (p idPool) rootGroup() int {
	if p.single() {
		return os.Getgid()
	}
	return p.base
}

// maps returns the contents of uid_map and gid_map of the n-th live sandbox.
func (p idPool) maps(n int) (uid, gid string) {
	if p.single() {
		return fmt.Sprintf("%d %d 1\n", functionUID, os.Getuid()), fmt.Sprintf("%d %d 1\n", functionGID, os.Getgid())
	}
	function := p.base + 1 + n%(p.count-1)
	return fmt.Sprintf("0 %d 1\n%d %d 1\n", p.base, functionUID, function),
		fmt.Sprintf("0 %d 1\n%d %d 1\n", p.base, functionGID, function)
}

// setgroupsDenied says that supplementary groups cannot be dropped, as in a
// user namespace that an unprivileged user made.
func setgroupsDenied() bool {
	b, err := os.ReadFile("/proc/self/setgroups")
	return err == nil && strings.TrimSpace(string(b)) == "deny"
}
