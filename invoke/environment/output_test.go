package environment_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hearthd/hearth/sandbox"
)

func TestOutput_BeforeTheAnswer_PrecedesTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lines = 5000 // several times the pipe
		f := open(t, func(r *runtime) sandbox.Exit {
			return r.serve(func(id, payload string) {
				for i := range lines {
					fmt.Fprintf(r.Stdout, "%s line %d of the invocation\n", id, i)
				}
				r.respond(id, payload)
			})
		}).ready()
		for _, id := range []string{"id-1", "id-2"} {
			f.wantPayload(f.invoke(id, "1"), "1")
			got := f.journal.take()
			if len(got) != lines+3 || got[lines] != fmt.Sprintf("> %s line %d of the invocation", id, lines-1) || got[lines+1] != "runtimeDone "+id+" success" {
				t.Errorf("%d lines, the last %q", len(got), got[max(0, len(got)-4):])
			}
		}
	})
}

func TestOutput_UnfinishedLine_BelongsToWhoeverFinishesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, func(r *runtime) sandbox.Exit {
			return r.serve(func(id, payload string) {
				fmt.Fprint(r.Stdout, "to be ", "\n"[:len(payload)-1])
				r.respond(id, payload)
			})
		}).ready()
		f.invoke("id-1", "1")
		f.wantJournal("start id-1", "runtimeDone id-1 success", "report id-1 success")
		f.invoke("id-2", "22")
		f.wantJournal("start id-2", "> to be to be ", "runtimeDone id-2 success", "report id-2 success")
	})
}

func TestOutput_UnfinishedLine_EndsWithTheProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := open(t, during(func(r *runtime) sandbox.Exit {
			fmt.Fprint(r.Stdout, "last\r\n\nwords")
			return sandbox.Exit{Code: 1}
		})).ready()
		f.invoke("id-1", "1")
		f.wantJournal("start id-1", "> last\r", "> ", "> words", "runtimeDone id-1 error Runtime.ExitError", "fault id-1 error Runtime.ExitError", "report id-1 error Runtime.ExitError")
	})
}

func TestOutput_LongLine_IsCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 256 << 10
		var lengths []int
		f := open(t, func(r *runtime) sandbox.Exit {
			return r.serve(func(id, payload string) {
				fmt.Fprint(r.Stdout, strings.Repeat("a", limit), "\n", strings.Repeat("b", 2*limit+1), "\n", strings.Repeat("c", limit+1), "\n")
				r.respond(id, payload)
			})
		}).ready()
		f.invoke("id-1", "1")
		for _, line := range f.journal.take() {
			if text, ok := strings.CutPrefix(line, "> "); ok {
				lengths = append(lengths, len(text))
			}
		}
		if want := []int{limit, limit, limit, 1, limit, 1}; !slices.Equal(lengths, want) {
			t.Errorf("lines of %d, want %d", lengths, want)
		}
	})
}

// A runtime that writes without end must not keep its own invocation from
// ending.
func TestOutput_Flood_LetsTheInvocationEnd(t *testing.T) {
	f := open(t, func(r *runtime) sandbox.Exit {
		go func() { // ends when the process does, which closes its output
			for {
				if _, err := fmt.Fprintln(r.Stderr, strings.Repeat("flood", 1000)); err != nil {
					return
				}
			}
		}()
		return echo(r)
	})
	if !f.Init() {
		t.Fatal("init failed")
	}
	for range 3 {
		f.wantUsable()
	}
}
