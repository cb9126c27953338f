package environment_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/environment"
	"github.com/hearthd/hearth/sandbox"
)

// erratic is a runtime that does at random whatever a runtime can do. To the
// event "good" it answers properly.
func erratic(rnd *rand.Rand) program {
	return func(r *runtime) sandbox.Exit {
		r.quiet() // time-outs need the clock
		switch rnd.IntN(12) {
		case 0:
			return sandbox.Exit{Code: rnd.IntN(2)}
		case 1:
			r.post("init/error", `{}`)
			return r.hang()
		case 2:
			return r.hang()
		}
		for {
			id, payload, ok := r.next()
			if !ok {
				return sandbox.Exit{}
			}
			if payload != `"good"` {
				if end := misbehave(r, rnd, id); end != nil {
					return *end
				}
			}
			r.respond(id, payload)
		}
	}
}

// misbehave returns how the process ends, or nil when it goes on.
func misbehave(r *runtime, rnd *rand.Rand, id string) *sandbox.Exit {
	var end sandbox.Exit
	switch rnd.IntN(9) {
	case 0:
		end.Code = rnd.IntN(3)
	case 1:
		end = r.hang()
	case 2:
		r.respond(id, `1`)
		end.Code = 1
	case 3:
		r.respond(id, `2`)
		end = r.hang()
	case 4:
		fmt.Fprintf(r.conn, "POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf", id)
		r.conn.Close()
		if rnd.IntN(2) == 0 && r.dial() {
			return nil
		}
		end = r.hang()
	case 5:
		r.conn.Close() // the answer is lost; the next poll may get the event again
		if !r.dial() {
			return &end
		}
		return nil
	case 6:
		<-time.After(time.Duration(rnd.Int64N(int64(4 * time.Second)))) // at times too late
		return nil
	case 7:
		<-time.After(3 * time.Second) // at the very moment of the time-out
		return nil
	default:
		r.post("invocation/"+id+"/error", `{"errorType":"E"}`)
		return nil
	}
	return &end
}

// erraticActor is an extension that does at random whatever one can do.
func erraticActor(rnd *rand.Rand) actor {
	return func(x *extension) sandbox.Exit {
		x.quiet()
		if end := rnd.IntN(12); end < 3 {
			if end == 0 {
				return x.hang()
			}
			return sandbox.Exit{Code: end - 1}
		}
		if !x.register([][]string{nil, {"INVOKE"}, {"SHUTDOWN"}, {"INVOKE", "SHUTDOWN"}}[rnd.IntN(4)]...) {
			return sandbox.Exit{Code: 98}
		}
		for {
			var end *sandbox.Exit
			switch rnd.IntN(16) {
			case 0:
				end = &sandbox.Exit{Code: rnd.IntN(2)}
			case 1:
				x.report([]string{"init/error", "exit/error"}[rnd.IntN(2)])
				if rnd.IntN(2) == 0 {
					end = &sandbox.Exit{Code: 1}
				}
			case 2:
				<-time.After(time.Duration(rnd.Int64N(int64(4 * time.Second))))
			case 3: // a poll that is broken off
				fmt.Fprintf(x.conn, "GET /2020-01-01/extension/event/next HTTP/1.1\r\nHost: x\r\nLambda-Extension-Identifier: %s\r\n\r\n", x.id)
				x.conn.Close()
				if !x.dial() {
					end = &sandbox.Exit{}
				}
			case 4:
				return x.hang()
			}
			if end != nil {
				return *end
			}
			if _, ok := x.next(); !ok {
				return x.hang()
			}
		}
	}
}

// Whatever the runtime does, each invocation has one outcome and is freed
// once, and the environment goes on.
func TestInvoke_ErraticRuntimes_OneOutcomeEach(t *testing.T) {
	rounds(t, func(t *testing.T, seed uint64) {
		stress(t, seed, open(t, erratic(rand.New(rand.NewPCG(seed, 1)))))
	})
}

// Nor does it matter what extensions do beside it.
func TestInvoke_ErraticExtensions_OneOutcomeEach(t *testing.T) {
	rounds(t, func(t *testing.T, seed uint64) {
		stress(t, seed, openExtended(t, []external{
			{"a", []actor{erraticActor(rand.New(rand.NewPCG(seed, 2)))}},
			{"b", []actor{erraticActor(rand.New(rand.NewPCG(seed, 3)))}},
		}, erratic(rand.New(rand.NewPCG(seed, 1)))))
	})
}

// rounds runs a test with one seed after another for some time.
func rounds(t *testing.T, round func(t *testing.T, seed uint64)) {
	t.Helper()
	deadline := time.Now().Add(3 * time.Second)
	seed := uint64(time.Now().UnixNano())
	for ; time.Now().Before(deadline) && !t.Failed(); seed++ {
		synctest.Test(t, func(t *testing.T) { round(t, seed) })
	}
}

func stress(t *testing.T, seed uint64, f *fixture) {
	rnd := rand.New(rand.NewPCG(seed, 0))
	f.Init()
	for i := range 20 {
		id := fmt.Sprintf("id-%d", i)
		if rnd.IntN(4) == 0 && f.State() == environment.Idle {
			if err := f.Freeze(); err != nil {
				t.Error(err)
			}
		}
		payload := []string{`"good"`, `"bad"`}[rnd.IntN(2)]
		got := f.start(&hearth.Invocation{RequestID: id, Payload: []byte(payload), Tail: rnd.IntN(2) == 0}).finish()
		switch {
		case got.err != nil && !errors.Is(got.err, environment.ErrNotDelivered):
			t.Errorf("seed %d, %s: %v", seed, id, got.err)
		case got.err == nil && len(got.Payload) == 0:
			t.Errorf("seed %d, %s: no payload: %+v", seed, id, got)
		case got.FunctionError == "" && got.Payload != nil && !strings.Contains(`"good""bad"12`, string(got.Payload)):
			t.Errorf("seed %d, %s: answered %s", seed, id, got.Payload)
		}
		if s := f.State(); s != environment.Idle && s != environment.Broken {
			t.Fatalf("seed %d, %s: %s after it was freed", seed, id, s)
		}
		if ends := f.count("report " + id + " "); ends != 1 {
			t.Errorf("seed %d, %s: %d REPORT lines", seed, id, ends)
		}
	}
	if rnd.IntN(2) == 0 { // close in the midst of one
		fl := f.start(&hearth.Invocation{RequestID: "last", Payload: []byte(`"bad"`)})
		synctest.Wait()
		f.close()
		fl.finish()
	}
}

func (f *fixture) count(prefix string) int {
	f.journal.mu.Lock()
	defer f.journal.mu.Unlock()
	n := 0
	for _, line := range f.journal.lines {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}
