package userns

import (
	"bufio"
	"fmt"
	"os"
	"strings"
)

// The function's user, as on Lambda.
const (
	FunctionUID = 993
	FunctionGID = 990
)

// Ids that sandboxes get as root: far above those of people, services and
// subordinate ranges. The first is in-sandbox root, which all sandboxes share;
// each live sandbox has one of the others.
const (
	rootBase  = 0x6000_0000
	rootCount = 1 << 16
)

// IDs says which ids of the daemon's user namespace sandboxes run as: the base
// is in-sandbox root, those after it are the functions'. Without a count there is
// none but the daemon's own.
type IDs struct{ idRange }

// idRange is count ids from base on.
type idRange struct{ base, count int }

// ReadIDs looks at which ids the daemon's user namespace has.
func ReadIDs() (IDs, error) {
	uids, err := mapRange("/proc/self/uid_map")
	if err != nil {
		return IDs{}, err
	}
	gids, err := mapRange("/proc/self/gid_map")
	if err != nil {
		return IDs{}, err
	}
	// One range for both keeps the arithmetic in one place; ranges that do not
	// overlap are not worth two.
	p := IDs{idRange{base: max(uids.base, gids.base)}}
	p.count = min(uids.base+uids.count, gids.base+gids.count) - p.base
	if p.count < 2 {
		return IDs{}, nil
	}
	return p, nil
}

// mapRange returns the ids of a map that sandboxes can use: not 0, the daemon's.
func mapRange(file string) (idRange, error) {
	f, err := os.Open(file)
	if err != nil {
		return idRange{}, fmt.Errorf("read the ids of the user namespace: %w", err)
	}
	defer f.Close()
	var best idRange
	for s := bufio.NewScanner(f); s.Scan(); {
		var inside, outside, count int
		if _, err := fmt.Sscan(s.Text(), &inside, &outside, &count); err != nil {
			return idRange{}, fmt.Errorf("read %s: %w", file, err)
		}
		if inside <= rootBase && inside+count >= rootBase+rootCount {
			return idRange{base: rootBase, count: rootCount}, nil
		}
		if inside == 0 {
			inside, count = 1, count-1
		}
		if count > best.count {
			best = idRange{base: inside, count: min(count, rootCount)}
		}
	}
	return best, nil
}

// Single says that sandboxes run as the daemon's own user.
func (p IDs) Single() bool { return p.count == 0 }

// Root is the id of in-sandbox root: of pid 1, and the owner of /tmp.
func (p IDs) Root() int {
	if p.Single() {
		return os.Getuid()
	}
	return p.base
}

// RootGroup is the group that goes with Root.
func (p IDs) RootGroup() int {
	if p.Single() {
		return os.Getgid()
	}
	return p.base
}

// Maps returns the contents of uid_map and gid_map of the n-th live sandbox.
func (p IDs) Maps(n int) (uid, gid string) {
	if p.Single() {
		return fmt.Sprintf("%d %d 1\n", FunctionUID, os.Getuid()), fmt.Sprintf("%d %d 1\n", FunctionGID, os.Getgid())
	}
	function := p.base + 1 + n%(p.count-1)
	return fmt.Sprintf("0 %d 1\n%d %d 1\n", p.base, FunctionUID, function),
		fmt.Sprintf("0 %d 1\n%d %d 1\n", p.base, FunctionGID, function)
}

// SetgroupsDenied says that supplementary groups cannot be dropped, as in a
// user namespace that an unprivileged user made.
func SetgroupsDenied() bool {
	b, err := os.ReadFile("/proc/self/setgroups")
	return err == nil && strings.TrimSpace(string(b)) == "deny"
}
