package soak_test

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What the daemon may have more of in the end than it had: connections of the
// test that idle, and what runs at the moment.
const slackGoroutines, slackFiles = 12, 8

// A census is what a daemon holds.
type census struct{ goroutines, files, mounts, groups int }

// count takes a census of the daemon of a process id, whose profiles are at an
// address.
func count(t *testing.T, pid, profiles, dir string) (c census) {
	t.Helper()
	http.DefaultClient.CloseIdleConnections()
	c.goroutines = number(t, goroutines(t, profiles))
	entries, err := os.ReadDir(filepath.Join("/proc", pid, "fd"))
	if err != nil {
		t.Fatal(err)
	}
	mounts, err := os.ReadFile(filepath.Join("/proc", pid, "mountinfo"))
	if err != nil {
		t.Fatal(err)
	}
	c.files, c.mounts = len(entries), strings.Count(string(mounts), dir)
	c.groups = groups(t, dir)
	return c
}

// settled takes a census once nothing changes any more: a daemon makes spare
// sandboxes ahead for a while after a load has ended.
func (s *session) settled(t *testing.T) census {
	t.Helper()
	const pause = 100 * time.Millisecond
	s.awaitQuiet(t)
	last, same := count(t, s.pid, s.profiles, s.dir), 0
	for deadline := time.Now().Add(time.Minute); same < 10; {
		if time.Now().After(deadline) {
			t.Fatalf("the daemon does not come to rest: %+v", last)
		}
		select {
		case <-time.After(pause):
		case <-t.Context().Done():
			return last
		}
		now := count(t, s.pid, s.profiles, s.dir)
		if now != last {
			same = 0
		}
		last = now
		same++
	}
	return last
}

// groups counts the control groups of a daemon, whose sandboxes have one each;
// none on a host without them. They come and go meanwhile.
func groups(t *testing.T, dir string) (n int) {
	t.Helper()
	record, err := os.ReadFile(filepath.Join(dir, "sandbox", "namespace", "cgroups"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for root := range strings.FieldsSeq(string(record)) {
		err := filepath.WalkDir(root, func(_ string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				n++
			}
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return n
}

func goroutines(t *testing.T, profiles string) string {
	t.Helper()
	resp, err := http.Get("http://" + profiles + "/debug/pprof/goroutine?debug=1")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func number(t *testing.T, profile string) int {
	t.Helper()
	match := regexp.MustCompile(`total (\d+)`).FindStringSubmatch(profile)
	if match == nil {
		t.Fatalf("no goroutine profile: %.200s", profile)
	}
	n, err := strconv.Atoi(match[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// awaitQuiet waits until no function runs any more.
func (s *session) awaitQuiet(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); len(s.processes()) > 0; {
		if time.Now().After(deadline) {
			t.Fatalf("processes go on: %v", s.processes())
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-t.Context().Done():
			return
		}
	}
}

// expectNoLeaks waits until the daemon holds no more than before.
func (s *session) expectNoLeaks(t *testing.T, before census) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		now, left := count(t, s.pid, s.profiles, s.dir), s.processes()
		if now.goroutines <= before.goroutines+slackGoroutines && now.files <= before.files+slackFiles &&
			now.mounts <= before.mounts && now.groups <= before.groups && len(left) == 0 {
			t.Logf("before %+v, after %+v", before, now)
			return
		}
		if time.Now().After(deadline) {
			t.Errorf("left: before %+v, after %+v, processes %v", before, now, left)
			if now.goroutines > before.goroutines+slackGoroutines {
				t.Log(goroutines(t, s.profiles))
			}
			return
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-t.Context().Done():
			return
		}
	}
}

// processes lists those of the session's functions.
func (s *session) processes() (pids []int) {
	paths, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return nil // the pattern is right
	}
	for _, path := range paths {
		environ, err := os.ReadFile(path)
		if err == nil && slices.Contains(strings.Split(string(environ), "\x00"), "SOAK="+s.mark) {
			if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path))); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
