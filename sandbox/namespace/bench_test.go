//go:build linux

package namespace_test

import (
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/namespace"
)

// medians reports the median of each step in microseconds.
type medians map[string][]time.Duration

func (m medians) time(step string, run func()) {
	start := time.Now()
	run()
	m[step] = append(m[step], time.Since(start))
}

func (m medians) report(b *testing.B) {
	for step, all := range m {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Nanoseconds())/1000, step+"-us")
		b.ReportMetric(float64(all[len(all)*99/100].Nanoseconds())/1000, step+"-p99-us")
	}
}

// BenchmarkLife takes a sandbox through its life: /bin/true started and waited
// for, KillAll with nothing left, Close. Beside it, the same command with plain
// fork and exec.
func BenchmarkLife(b *testing.B) {
	for name, spares := range map[string]int{"spares": 4, "none": -1} {
		b.Run(name, func(b *testing.B) { life(b, spares, 0) })
	}
	b.Run("paced", func(b *testing.B) { life(b, 4, 60*time.Millisecond) })
	b.Run("paced-none", func(b *testing.B) { life(b, -1, 60*time.Millisecond) })
}

func life(b *testing.B, spares int, pause time.Duration) {
	d, err := namespace.New(namespace.Options{StateDir: b.TempDir(), Spares: spares})
	if err != nil {
		b.Fatal(err)
	}
	defer d.Close()
	task, m := b.TempDir(), medians{}
	for i := range b.N {
		if pause > 0 {
			<-time.After(pause)
		}
		var box sandbox.Sandbox
		m.time("create", func() {
			box, err = d.Create(b.Context(), sandbox.Spec{ID: strconv.Itoa(i), Task: task, MemoryBytes: 128 << 20, CPU: 0.1})
		})
		if err != nil {
			b.Fatal(err)
		}
		m.time("listen-packet", func() {
			conn, _, failed := box.(sandbox.Inside).ListenPacket(b.Context(), 2000)
			if err = failed; err == nil {
				err = conn.Close()
			}
		})
		if err != nil {
			b.Fatal(err)
		}
		var p sandbox.Process
		m.time("start", func() { p, err = box.Start(b.Context(), sandbox.Command{Args: []string{"/bin/true"}}) })
		if err != nil {
			b.Fatal(err)
		}
		m.time("run", func() { <-p.Done() })
		m.time("killall", func() { err = box.KillAll(b.Context()) })
		if err != nil {
			b.Fatal(err)
		}
		m.time("close", func() { err = box.Close() })
		if err != nil {
			b.Fatal(err)
		}
		m.time("plain-exec", func() { err = exec.Command("/bin/true").Run() })
		if err != nil {
			b.Fatal(err)
		}
	}
	m.report(b)
}
