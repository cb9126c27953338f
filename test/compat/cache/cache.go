// Package cache keeps what the suites of test/compat fetch and build, in the
// user's cache directory, so that only the first run is slow.
//
//	dir, err := cache.Fill("java", []string{version, sources}, build)
//
// A key is everything that the content depends on: what is there for a key is
// complete and never changes. Nothing is removed.
package cache

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Root is the directory of all entries. It is created if it is missing.
func Root() (string, error) {
	user, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find cache of tests: %w", err)
	}
	dir := filepath.Join(user, "hearth-test-clients")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("make cache of tests: %w", err)
	}
	return dir, nil
}

// Path is where the entry of a key is, or will be.
func Path(name string, key []string) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(strings.Join(key, "\x00")))
	return filepath.Join(root, name+"-"+hex.EncodeToString(sum[:6])), nil
}

// Fill returns the directory of an entry, which build has filled, now or in an
// earlier run. Nothing may write to it afterwards. While one fills an entry,
// others who want it wait, in other processes too.
func Fill(name string, key []string, build func(dir string) error) (dir string, err error) {
	final, err := Path(name, key)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	unlock, err := lock(final + ".lock")
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	if _, err := os.Stat(final); err == nil { // another was faster
		return final, nil
	}
	// Renamed when it is complete: a run that is cut off leaves nothing that
	// the next one would take for an entry.
	unfinished, err := os.MkdirTemp(filepath.Dir(final), name+"-unfinished-")
	if err != nil {
		return "", fmt.Errorf("fill cache of tests: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(unfinished)) }()
	if err := build(unfinished); err != nil {
		return "", fmt.Errorf("fill cache of tests with %s: %w", name, err)
	}
	if err := os.Chmod(unfinished, 0o755); err != nil {
		return "", fmt.Errorf("fill cache of tests: %w", err)
	}
	if err := os.Rename(unfinished, final); err != nil {
		return "", fmt.Errorf("fill cache of tests: %w", err)
	}
	return final, nil
}

// lock takes the lock that a file stands for, and waits for it. It ends with
// the process that holds it.
func lock(path string) (unlock func() error, err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock cache of tests: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(fmt.Errorf("lock cache of tests: %w", err), file.Close())
	}
	return file.Close, nil
}
