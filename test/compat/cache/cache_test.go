package cache_test

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/hearthd/hearth/test/compat/cache"
)

// word builds an entry with one file, and counts how often it is asked to.
func word(builds *atomic.Int32) func(dir string) error {
	return func(dir string) error {
		builds.Add(1)
		return os.WriteFile(filepath.Join(dir, "word"), []byte("tea"), 0o600)
	}
}

// ownCache gives the test a cache of its own.
func ownCache(t *testing.T) {
	t.Helper()
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir()) // where macOS has it
}

func TestFill_ByManyAtOnce_BuildsOnce(t *testing.T) {
	ownCache(t)
	var builds atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			dir, err := cache.Fill("word", []string{"key"}, word(&builds))
			if got, readErr := os.ReadFile(filepath.Join(dir, "word")); err != nil || readErr != nil || string(got) != "tea" {
				t.Errorf("filled with %q, %v", got, errors.Join(err, readErr))
			}
		})
	}
	wg.Wait()
	if n := builds.Load(); n != 1 {
		t.Errorf("built %d times", n)
	}
}

func TestFill_OfAnotherKey_BuildsAnother(t *testing.T) {
	ownCache(t)
	var builds atomic.Int32
	first, err := cache.Fill("word", []string{"a", "b"}, word(&builds))
	second, otherErr := cache.Fill("word", []string{"ab"}, word(&builds))
	if err := errors.Join(err, otherErr); err != nil || first == second || builds.Load() != 2 {
		t.Errorf("%s and %s, built %d times, error %v", first, second, builds.Load(), err)
	}
}

func TestFill_ThatFailed_IsTriedAgain(t *testing.T) {
	ownCache(t)
	broken := errors.New("broken")
	if _, err := cache.Fill("word", nil, func(string) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
	var builds atomic.Int32
	dir, err := cache.Fill("word", nil, word(&builds))
	if err != nil || builds.Load() != 1 {
		t.Errorf("built %d times, error %v", builds.Load(), err)
	}
	if path, err := cache.Path("word", nil); err != nil || path != dir {
		t.Errorf("the path is %s, error %v; filled %s", path, err, dir)
	}
}
