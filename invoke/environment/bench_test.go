package environment_test

import (
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/sandbox/mem"
)

// BenchmarkBegin_Warm is the cycle of an idle environment: the event, its answer, and the
// environment free again. What it allocates is the runtime's share, too.
func BenchmarkBegin_Warm(b *testing.B) {
	driver := mem.New(mem.Options{Programs: map[string]mem.Program{bootstrap: program(echo).run}})
	env, err := environment.Open(b.Context(), environment.Options{
		ID: "env-1", Function: function(), Driver: driver, Recorder: silent{}, InitType: "on-demand",
		Launch: &environment.Launch{Runtime: bootstraps},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer env.Close()
	if !env.Init() {
		b.Fatal("init failed")
	}
	freed := make(chan struct{}, 1)
	inv := &hearth.Invocation{RequestID: "id-1", Payload: []byte(`"warm"`)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := env.Begin(inv, func() { freed <- struct{}{} })(); err != nil {
			b.Fatal(err)
		}
		<-freed
	}
}

// silent is a Recorder that keeps nothing.
type silent struct{}

func (silent) Record(*hearth.PlatformEvent)    {}
func (silent) Output(hearth.LogSource, []byte) {}
func (silent) Message(hearth.LogMessage)       {}
func (silent) CutTail(bool) []byte             { return nil }
