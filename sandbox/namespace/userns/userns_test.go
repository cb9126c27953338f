//go:build linux

package userns_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthd/hearth/sandbox/namespace/userns"
)

func TestSubordinateRange_File_IsSearchedByNameAndID(t *testing.T) {
	file := filepath.Join(t.TempDir(), "subuid")
	if err := os.WriteFile(file, []byte("broken\nann:100000:65536\n1001:200000:10\nann:900000:5\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		names       []string
		base, count int
	}{
		{[]string{"1000", "ann"}, 100000, 65536},
		{[]string{"1001", "bob"}, 200000, 10},
		{[]string{"7", "eve"}, 0, 0},
	} {
		base, count, err := userns.SubordinateRange(file, c.names...)
		if err != nil || base != c.base || count != c.count {
			t.Errorf("%v: got %d, %d, %v; want %d, %d", c.names, base, count, err, c.base, c.count)
		}
	}
}

func TestEnter_Twice_SaysWhatToDo(t *testing.T) {
	t.Setenv("HEARTH_USER_NAMESPACE", "refused")
	if err := userns.Enter(os.Args); err == nil || !strings.Contains(err.Error(), "sysctl") {
		t.Errorf("got %v", err)
	}
}

func TestMaps_LiveSandboxes_ShareRootAlone(t *testing.T) {
	ids, err := userns.ReadIDs()
	if err != nil {
		t.Fatal(err)
	}
	if ids.Single() {
		t.Skip("this user namespace has one id")
	}
	uid0, gid0 := ids.Maps(0)
	uid1, gid1 := ids.Maps(1)
	for _, pair := range [][2]string{{uid0, uid1}, {gid0, gid1}} {
		root0, function0, _ := strings.Cut(pair[0], "\n")
		root1, function1, _ := strings.Cut(pair[1], "\n")
		if root0 != root1 || function0 == function1 || function0 == "" {
			t.Errorf("the maps %q and %q", pair[0], pair[1])
		}
	}
}
