package engine_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/cmd/hearth/engine"
	"github.com/hearthd/hearth/sandbox"
)

// open returns an engine of plain processes, whose code comes from openCode.
func open(t *testing.T, openCode func(context.Context, string) (io.ReadCloser, error)) *engine.Engine {
	t.Helper()
	e, err := engine.Open(engine.Options{
		Dir: t.TempDir(), Sandbox: engine.SandboxProcess, Network: sandbox.NetworkNAT,
		OpenCode: openCode, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return e
}

func TestOpen_DirectoryThatCannotBe_LeavesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	e, err := engine.Open(engine.Options{Dir: file, Sandbox: engine.SandboxProcess, Logger: slog.New(slog.DiscardHandler)})
	if e != nil || err == nil || !strings.Contains(err.Error(), "open sandbox process") {
		t.Errorf("%v, %v", e, err)
	}
}

// Processes have the host's network: nothing leads them out but that.
func TestNetwork_WithoutAWayOut_IsNone(t *testing.T) {
	if got := open(t, nil).Network(); got != sandbox.NetworkNone {
		t.Errorf("network = %s", got)
	}
}

func TestPrepare_TriesTheHostAgain(t *testing.T) {
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	if _, err := z.Create("app.py"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	attempts := 0
	e := open(t, func(context.Context, string) (io.ReadCloser, error) {
		if attempts++; attempts < 3 {
			return nil, errors.New("busy for a moment")
		}
		return io.NopCloser(bytes.NewReader(archive.Bytes())), nil
	})
	sum := sha256.Sum256(archive.Bytes())
	fn := &hearth.Function{Code: hearth.Code{Digest: hex.EncodeToString(sum[:]), Size: int64(archive.Len())}}
	if err := e.Prepare(t.Context(), fn); err != nil || attempts != 3 {
		t.Errorf("%d attempts: %v, want success with the third", attempts, err)
	}
}

func TestPrepare_FaultOfTheCaller_IsNotTriedAgain(t *testing.T) {
	attempts := 0
	e := open(t, func(context.Context, string) (io.ReadCloser, error) {
		attempts++
		return nil, hearth.Errorf(hearth.ErrInvalidZip, "no archive")
	})
	fn := &hearth.Function{Code: hearth.Code{Digest: strings.Repeat("a", 64)}}
	if err := e.Prepare(t.Context(), fn); !errors.Is(err, hearth.ErrInvalidZip) || attempts != 1 {
		t.Errorf("%d attempts: %v, want one", attempts, err)
	}
}

func TestPrepare_Image_HasNothingToUnpack(t *testing.T) {
	if err := open(t, nil).Prepare(t.Context(), &hearth.Function{PackageType: hearth.PackageImage}); err != nil {
		t.Error(err)
	}
}

func TestPool_ImageInvoked_IsNotImplemented(t *testing.T) {
	fn := &hearth.Function{Name: hearth.Name{Function: "f"}, PackageType: hearth.PackageImage, MemorySize: 128}
	if _, err := open(t, nil).Pool().Invoke(t.Context(), fn, &hearth.Invocation{}); !errors.Is(err, hearth.ErrNotImplemented) {
		t.Errorf("%v", err)
	}
}
