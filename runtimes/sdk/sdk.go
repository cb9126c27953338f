// Package sdk keeps AWS's SDKs for functions that do not package them: on AWS
// every Python runtime has boto3, every Node.js runtime the SDK for JavaScript.
//
//	DIR/.python3.12.lock                       held while it is installed
//	DIR/python3.12       -> .python3.12-1234   what functions get: one for each minor version
//	DIR/nodejs           -> .nodejs-5678       one for all versions
//
// An SDK is fetched into a directory of its own, and becomes the installed one
// when the link is moved to it: it is there whole or not at all. The one that it
// replaces stays until the next installation, as running functions load parts of
// it when they first use them.
package sdk

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// ErrBusy says that somebody else installs the same SDK.
var ErrBusy = errors.New("another installation is under way")

// Node is the name of the SDK for JavaScript in a Store. Those for Python are
// named for their version, as python3.12.
const Node = "nodejs"

// Dir is where SDKs are kept for a user with these variables: HEARTH_SDK_DIR,
// else below the user's data directory. Empty when they name no home.
func Dir(get func(key string) string) string {
	if dir := get("HEARTH_SDK_DIR"); dir != "" {
		return dir
	}
	if data := get("XDG_DATA_HOME"); filepath.IsAbs(data) {
		return filepath.Join(data, "hearth", "sdk")
	}
	if home := get("HOME"); home != "" {
		return filepath.Join(home, ".local", "share", "hearth", "sdk")
	}
	return ""
}

// Store is the directory where SDKs are kept. Empty: there are none.
type Store string

// Find returns the directory of an installed SDK, without symbolic links, or ""
// when it is not installed. It holds Python's packages, or node_modules.
func (s Store) Find(name string) string {
	if s == "" {
		return ""
	}
	dir, err := filepath.Abs(filepath.Join(string(s), name))
	if err != nil {
		return ""
	}
	if dir, err = filepath.EvalSymlinks(dir); err != nil {
		return ""
	}
	return dir
}

// Version says which SDK for Python (boto3 1.43.11) or JavaScript (@aws-sdk 3.1162.0)
// the packages in a directory have; "" when they have none. The version is left
// out where the directory does not tell it.
func Version(packages string) string {
	if _, err := os.Stat(filepath.Join(packages, "boto3")); err == nil {
		// The pattern is malformed only if the directory's name is; then there is
		// no version.
		for _, kind := range []string{"dist", "egg"} {
			found, _ := filepath.Glob(filepath.Join(packages, "boto3-*."+kind+"-info"))
			for _, info := range found {
				name := strings.TrimSuffix(filepath.Base(info), "."+kind+"-info")
				return "boto3 " + strings.TrimPrefix(name, "boto3-")
			}
		}
		return "boto3"
	}
	if _, err := os.Stat(filepath.Join(packages, "@aws-sdk")); err == nil {
		found, _ := filepath.Glob(filepath.Join(packages, "@aws-sdk", "client-*", "package.json"))
		for _, path := range found {
			var about struct{ Version string }
			if text, err := os.ReadFile(path); err == nil && json.Unmarshal(text, &about) == nil && about.Version != "" {
				return "@aws-sdk " + about.Version
			}
		}
		return "@aws-sdk"
	}
	return ""
}

// replace fills a new directory and makes it the SDK of a name. Where that
// fails, the one before stays. It returns the new one's directory.
func (s Store) replace(name string, fill func(dir string) error) (dir string, err error) {
	if err := os.MkdirAll(string(s), 0o755); err != nil {
		return "", fmt.Errorf("create directory of SDKs: %w", err)
	}
	unlock, err := s.lock(name)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	old := s.Find(name)
	temp, err := os.MkdirTemp(string(s), "."+name+"-")
	if err != nil {
		return "", fmt.Errorf("create directory of SDK: %w", err)
	}
	installed := false
	defer func() {
		if !installed {
			err = errors.Join(err, os.RemoveAll(temp))
		}
	}()
	if err := fill(temp); err != nil {
		return "", err
	}
	if err := readable(temp); err != nil {
		return "", fmt.Errorf("let functions read the SDK: %w", err)
	}
	syscall.Sync() // the link must not reach the disk before what it leads to
	link := filepath.Join(temp, ".link")
	if err := os.Symlink(filepath.Base(temp), link); err != nil {
		return "", fmt.Errorf("link SDK: %w", err)
	}
	if err := os.Rename(link, filepath.Join(string(s), name)); err != nil {
		return "", fmt.Errorf("link SDK: %w", err)
	}
	installed = true
	return temp, s.sweep(name, temp, old)
}

// lock holds an SDK until unlock is called, or the process ends; ErrBusy when
// somebody else holds it.
func (s Store) lock(name string) (unlock func() error, err error) {
	file, err := os.OpenFile(filepath.Join(string(s), "."+name+".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock SDK: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = ErrBusy
		}
		return nil, errors.Join(fmt.Errorf("install %s to %s: %w", name, s, err), file.Close())
	}
	return file.Close, nil
}

// sweep removes earlier SDKs of a name, and what was left of installations that
// were killed, but for the directories to keep.
func (s Store) sweep(name string, keep ...string) error {
	found, err := filepath.Glob(filepath.Join(string(s), "."+name+"-*"))
	if err != nil {
		return fmt.Errorf("look for earlier SDKs: %w", err)
	}
	kept := map[string]bool{}
	for _, dir := range keep {
		kept[filepath.Base(dir)] = true
	}
	var errs []error
	for _, dir := range found {
		if !kept[filepath.Base(dir)] {
			errs = append(errs, os.RemoveAll(dir))
		}
	}
	return errors.Join(errs...)
}

// readable lets everybody read a tree: functions run as another user, and the
// one who installs may have a strict umask.
func readable(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		more := fs.FileMode(0o444)
		if d.IsDir() || info.Mode()&0o100 != 0 {
			more = 0o555
		}
		if info.Mode()&more == more {
			return nil
		}
		return os.Chmod(path, info.Mode().Perm()|more)
	})
}
