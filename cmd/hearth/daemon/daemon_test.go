package daemon

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/hearthd/hearth/cmd/hearth/daemon/config"
	"github.com/hearthd/hearth/node/launch"
)

// settings are those of a daemon of plain processes in a directory of its own.
func settings(t *testing.T) config.Config {
	t.Helper()
	cfg := config.Default(func(string) string { return "" })
	cfg.DataDir, cfg.Sandbox = t.TempDir(), launch.SandboxProcess
	return cfg
}

func opened(t *testing.T, cfg config.Config) *daemon {
	t.Helper()
	d, err := openDaemon(t.Context(), "v9", cfg, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func closed(t *testing.T, d *daemon) {
	t.Helper()
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}

// What was opened before an error is given back: the next daemon gets it.
func TestOpenDaemon_ErrorHalfWay_LeavesNothing(t *testing.T) {
	for name, change := range map[string]func(*config.Config){
		"no place for the sandbox": func(cfg *config.Config) { block(t, cfg.DataDir, "sandbox") },
		"no place for logs":        func(cfg *config.Config) { block(t, cfg.DataDir, "logs") },
		"no clock":                 func(cfg *config.Config) { cfg.Clock = config.ClockTest; block(t, cfg.DataDir, "clock") },
	} {
		t.Run(name, func(t *testing.T) {
			cfg := settings(t)
			change(&cfg)
			d, err := openDaemon(t.Context(), "v9", cfg, nil, slog.New(slog.DiscardHandler))
			if d != nil || err == nil {
				t.Fatalf("%v, %v", d, err)
			}
			for _, file := range []string{"sandbox", "logs", "clock"} {
				if info, err := os.Stat(filepath.Join(cfg.DataDir, file)); err == nil && !info.IsDir() {
					if err := os.Remove(filepath.Join(cfg.DataDir, file)); err != nil {
						t.Fatal(err)
					}
				}
			}
			closed(t, opened(t, cfg))
		})
	}
}

// block puts a file that is of no use where something else goes.
func block(t *testing.T, dir, name string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte("in the way"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDaemonClose_Twice_IsOnce(t *testing.T) {
	d := opened(t, settings(t))
	closed(t, d)
	closed(t, d)
}

func TestOpenDaemon_TestClock_GoesOnWhereItStood(t *testing.T) {
	cfg := settings(t)
	cfg.Clock = config.ClockTest
	closed(t, opened(t, cfg))
	stood, err := os.ReadFile(filepath.Join(cfg.DataDir, "clock"))
	if err != nil {
		t.Fatal(err)
	}
	closed(t, opened(t, cfg))
	if now, err := os.ReadFile(filepath.Join(cfg.DataDir, "clock")); err != nil || string(now) != string(stood) {
		t.Errorf("%s (%v), want %s", now, err, stood)
	}
}
