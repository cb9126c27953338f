package clock_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hearthd/hearth/internal/clock"
)

// reopened returns the clock that a file leads to.
func reopened(t *testing.T, file string) *clock.Test {
	t.Helper()
	c, err := clock.OpenTest(file)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestOpenTest_NoFile_BeginsNowAndGoesOnFromThere(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	before := time.Now()
	first := reopened(t, file)
	if now := first.Now(); now.Before(before) || now.After(time.Now()) {
		t.Errorf("begins with %v, which is not now", now)
	}
	if second := reopened(t, file); !second.Now().Equal(first.Now()) {
		t.Errorf("a second start is at %v, want %v", second.Now(), first.Now())
	}
}

func TestOpenTest_GoesOnWhereItWasSaved(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	c := reopened(t, file)
	if _, err := c.Advance(t.Context(), 90*time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := c.Save(); err != nil {
		t.Fatal(err)
	}
	if got := reopened(t, file).Now(); !got.Equal(c.Now()) {
		t.Errorf("goes on at %v, want %v", got, c.Now())
	}
}

func TestOpenTest_NoTime_NamesTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	if err := os.WriteFile(file, []byte("noon\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := clock.OpenTest(file); err == nil || !strings.Contains(err.Error(), "read the test clock in "+file) {
		t.Errorf("error = %v", err)
	}
}

func TestOpenTest_Unreadable(t *testing.T) {
	if _, err := clock.OpenTest(t.TempDir()); err == nil || !strings.Contains(err.Error(), "read the test clock") {
		t.Errorf("error = %v", err)
	}
}

func TestOpenTest_NoDirectory_CannotBegin(t *testing.T) {
	if _, err := clock.OpenTest(filepath.Join(t.TempDir(), "none", "clock")); err == nil || !strings.Contains(err.Error(), "save the test clock") {
		t.Errorf("error = %v", err)
	}
}

// The name is taken by a directory, which no file replaces.
func TestSave_NameIsTaken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "clock")
	c := reopened(t, file)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(file, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := c.Save(); err == nil {
		t.Error("it was saved where there is a directory")
	}
}

func TestSave_NoFile_DoesNothing(t *testing.T) {
	if err := clock.NewTest(time.Now()).Save(); err != nil {
		t.Error(err)
	}
}
