package rootfs

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/hearthd/hearth/sandbox"
)

// Sandbox says what one sandbox sees besides what all do.
type Sandbox struct {
	Spec    sandbox.Spec
	Network sandbox.Network // that it has, which may be less than in its Spec
	Users   *os.File        // its user namespace
	// OneUser says that the function runs as the daemon's own user, who may read
	// what others may not.
	OneUser bool
	Proc    bool // it has a /proc
	// Tmp opens its /tmp as a detached mount.
	Tmp func() (*os.File, error)
}

// Binds opens what a sandbox is to mount, in this order. The caller closes them,
// also those that come with an error.
func (s *Skeleton) Binds(of Sandbox) ([]Bind, error) {
	l := &list{users: of.Users}
	if err := s.addFunction(l, of); err != nil {
		return l.binds, err
	}
	var inTmp []sandbox.Mount
	for _, m := range of.Spec.Mounts {
		if strings.HasPrefix(m.Target, TmpDir+"/") {
			inTmp = append(inTmp, m)
			continue
		}
		if err := s.mountPoint(m.Source, m.Target, of.Spec.Opt != ""); err != nil {
			return l.binds, err
		}
		if err := l.add(m.Source, m.Target); err != nil {
			return l.binds, err
		}
	}
	if err := s.addFiles(l, of); err != nil {
		return l.binds, err
	}
	tmp, err := of.Tmp()
	if err != nil {
		return l.binds, err
	}
	l.binds = append(l.binds, Bind{Mount: tmp, Target: TmpDir})
	for _, m := range inTmp {
		if err := l.addInTmp(m); err != nil {
			return l.binds, err
		}
	}
	return l.binds, nil
}

// addFunction adds the function's directories.
func (s *Skeleton) addFunction(l *list, of Sandbox) error {
	for _, m := range []sandbox.Mount{
		{Source: filepath.Join(s.dir, entrypoint), Target: entrypoint}, // root's, as the root itself cannot be shown
		{Source: of.Spec.Task, Target: TaskDir},
		{Source: cmp.Or(of.Spec.Opt, filepath.Join(s.dir, OptDir)), Target: OptDir},
		{Source: of.Spec.Runtime, Target: RuntimeDir},
		{Source: of.Spec.Lang, Target: LangDir},
	} {
		if m.Source == "" && m.Target != TaskDir {
			continue // the skeleton's is empty
		}
		if err := checkReadable(m.Source, of.OneUser); err != nil {
			return err
		}
		if err := l.add(m.Source, m.Target); err != nil {
			return err
		}
	}
	return nil
}

// addFiles adds the files that depend on the sandbox's network and memory.
func (s *Skeleton) addFiles(l *list, of Sandbox) error {
	for _, f := range s.nameFiles(of.Network) {
		if err := l.add(f.source, f.target); err != nil {
			return err
		}
	}
	if !of.Proc || of.Spec.MemoryBytes <= 0 {
		return nil
	}
	f, err := s.memoryFile(of.Spec.MemoryBytes)
	if err != nil {
		return err
	}
	return l.add(f, "/proc/meminfo")
}

// list gathers binds for a sandbox.
type list struct {
	users *os.File
	binds []Bind
}

// add adds a directory or file that the sandbox may read.
func (l *list) add(source, target string) error {
	b, err := openBind(source, target, attrReadOnly)
	if err != nil {
		return err
	}
	b.showAsRoot(l.users)
	l.binds = append(l.binds, b)
	return nil
}

// addInTmp adds one below /tmp, where the sandbox's own /tmp has no mount point
// for it yet.
func (l *list) addInTmp(m sandbox.Mount) error {
	info, err := os.Stat(m.Source)
	if err != nil {
		return err
	}
	if err := checkTarget(m.Target); err != nil {
		return err
	}
	if err := l.add(m.Source, m.Target); err != nil {
		return err
	}
	last := &l.binds[len(l.binds)-1]
	last.Point = unix.S_IFREG
	if info.IsDir() {
		last.Point = unix.S_IFDIR
	}
	return nil
}

// checkReadable says early, and in words, what the function would otherwise
// meet as a working directory that it cannot enter.
func checkReadable(dir string, oneUser bool) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if !oneUser && info.IsDir() && info.Mode().Perm()&0o5 != 0o5 {
		return fmt.Errorf("%s is not open to other users (mode %#o), and the function is one: chmod o+rx", dir, info.Mode().Perm())
	}
	return nil
}
