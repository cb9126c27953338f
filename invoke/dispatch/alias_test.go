package dispatch_test

import (
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/dispatch"
	"github.com/hearthd/hearth/invoke/environment"
)

// shared is an alias of versions 7 and 8, of which 8 gets a share.
func shared(weight float64) *functions {
	f := active()
	f.aliases["live"] = &hearth.Alias{Name: "live", Version: "7", Additional: "8", AdditionalWeight: weight}
	return f
}

// executed counts the versions that invocations of the alias reached.
func executed(t *testing.T, f *functions, invocations int) map[string]int {
	t.Helper()
	d, counts := dispatch.New(dispatch.Options{Functions: f, Runner: &runner{}}), map[string]int{}
	for range invocations {
		res, err := d.Invoke(t.Context(), name, "live", &hearth.Invocation{})
		if err != nil {
			t.Fatal(err)
		}
		counts[res.ExecutedVersion]++
	}
	return counts
}

func TestInvoke_AliasOfTwoVersionsSharesByTheWeight(t *testing.T) {
	const n = 10_000
	for _, weight := range []float64{0.05, 0.3, 0.5, 0.95} {
		counts := executed(t, shared(weight), n)
		// Six standard deviations: a right share is outside once in 500 million runs.
		want, tolerance := weight*n, 6*math.Sqrt(n*weight*(1-weight))
		if got := float64(counts["8"]); math.Abs(got-want) > tolerance {
			t.Errorf("weight %v: version 8 ran %v times of %d, want %v within %v", weight, got, n, want, tolerance)
		}
		if counts["7"]+counts["8"] != n {
			t.Errorf("weight %v: other versions ran: %v", weight, counts)
		}
	}
}

func TestInvoke_WeightsAtTheirEnds(t *testing.T) {
	for weight, want := range map[float64]string{0: "7", 1: "8"} {
		if counts := executed(t, shared(weight), 1000); counts[want] != 1000 {
			t.Errorf("weight %v ran %v, want version %s alone", weight, counts, want)
		}
	}
}

func TestInvoke_ARNIsTheAliassWhateverVersionRuns(t *testing.T) {
	for _, weight := range []float64{0, 1} {
		var r runner
		if _, err := dispatch.New(dispatch.Options{Functions: shared(weight), Runner: &r}).Invoke(t.Context(), name, "live", &hearth.Invocation{}); err != nil {
			t.Fatal(err)
		}
		if got, want := r.ran[0].InvokedARN, name.ARN("live"); got != want {
			t.Errorf("weight %v: %s, want %s", weight, got, want)
		}
	}
}

func TestInvoke_AttemptsOfOneRequestStayOnItsVersion(t *testing.T) {
	f := shared(0.5)
	for range 50 {
		r := &runner{errs: []error{environment.ErrNotDelivered}}
		if _, err := dispatch.New(dispatch.Options{Functions: f, Runner: r}).Invoke(t.Context(), name, "live", &hearth.Invocation{}); err != nil {
			t.Fatal(err)
		}
		if len(r.fns) != 2 || r.fns[0].Version != r.fns[1].Version {
			t.Fatalf("%d attempts, on versions %s and %s", len(r.fns), r.fns[0].Version, r.fns[len(r.fns)-1].Version)
		}
	}
}

func TestResolve_AliasThatWasMovedAsItsVersionWasDeleted(t *testing.T) {
	f := active()
	f.moved = func(f *functions) {
		f.moved = nil
		delete(f.versions, "7")
		f.aliases["live"] = &hearth.Alias{Name: "live", Version: "8"}
	}
	fn, err := dispatch.New(dispatch.Options{Functions: f, Runner: &runner{}}).Resolve(t.Context(), name, "live")
	if err != nil || fn.Version != "8" {
		t.Errorf("got %+v, %v", fn, err)
	}
}

func TestResolve_AliasWithoutItsVersionIsNotFoundByItsOwnName(t *testing.T) {
	f := active()
	delete(f.versions, "7")
	_, err := dispatch.New(dispatch.Options{Functions: f, Runner: &runner{}}).Resolve(t.Context(), name, "live")
	if want := "Function not found: " + name.ARN("live"); !errors.Is(err, hearth.ErrNotFound) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestResolve_PendingVersionOfAnAliasIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := shared(1)
		f.versions["8"] = version("8", hearth.StatePending)
		time.AfterFunc(time.Second, func() {
			f.change(func() {
				f.versions["8"] = version("8", hearth.StateActive)
				f.aliases["live"] = &hearth.Alias{Name: "live", Version: "7"} // too late for this request
			})
		})
		fn, err := follow(f).Resolve(t.Context(), name, "live")
		if err != nil || fn.Version != "8" || fn.State != hearth.StateActive {
			t.Errorf("got %+v, %v", fn, err)
		}
	})
}
