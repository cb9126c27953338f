package launch_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/node/launch"
	"github.com/hearthd/hearth/sandbox/mem"
)

func TestPrepare_ContextEnds_IsTheEndOfIt(t *testing.T) {
	busy := errors.New("busy")
	ctx, cancel := context.WithCancel(t.Context())
	inMemory(t, func(o *launch.Options) {
		o.Code = archives(func() (io.ReadCloser, error) { cancel(); return nil, busy })
	}, func(s *station) {
		began := time.Now()
		if err := s.Prepare(ctx, s.function()); err == nil || time.Since(began) > 0 {
			s.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestNew_PlacesThatCannotBe(t *testing.T) {
	for name, want := range map[string]string{"bundles": "open code cache", "runtimes": "open runtimes"} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := launch.New(launch.Options{Dir: dir, Driver: mem.New(mem.Options{})})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

func TestCheckRuntime(t *testing.T) {
	inMemory(t, func(o *launch.Options) { o.Runtimes.JavaClient = o.Dir }, func(s *station) {
		for name, want := range map[string]struct{ missing, err bool }{
			"provided.al2023": {}, "java21": {missing: true}, "cobol": {err: true},
		} {
			missing, err := s.CheckRuntime(s.Context(), name)
			if (missing != nil) != want.missing || (err != nil) != want.err {
				s.Errorf("%s: missing %v, error %v", name, missing, err)
			}
		}
	})
}

func TestCheckArchive(t *testing.T) {
	inMemory(t, nil, func(s *station) {
		archive := s.code[s.task.Digest]
		if size, err := s.CheckArchive(s.Context(), bytes.NewReader(archive), int64(len(archive))); err != nil || size < int64(len("of the task")) {
			s.Errorf("%d bytes, %v", size, err)
		}
		if _, err := s.CheckArchive(s.Context(), strings.NewReader("no archive"), 10); !errors.Is(err, hearth.ErrInvalid) {
			s.Errorf("%v", err)
		}
	})
}

func TestPickRuntime(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	inMemory(t, nil, func(s *station) {
		if got, err := s.PickRuntime(s.Context(), "java21"); got != "java21" || err != nil {
			s.Errorf("a name: %s, %v", got, err)
		}
		if _, err := s.PickRuntime(ended, launch.AnyNode); !errors.Is(err, hearth.ErrInvalidRuntime) {
			s.Errorf("none found: %v", err)
		}
	})
}

func TestCheckRuntimeMap(t *testing.T) {
	if err := launch.CheckRuntimeMap("nodejs24.x=nodejs20.x"); err != nil {
		t.Error(err)
	}
	if err := launch.CheckRuntimeMap("nodejs24.x"); err == nil {
		t.Error("a map to nothing is none")
	}
}
