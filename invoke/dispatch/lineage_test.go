package dispatch_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/dispatch"
)

// chain invokes a function with the trace header of its last invocation, up to
// limit times, and returns how often it ran.
func chain(t *testing.T, d *dispatch.Dispatcher, limit int) (ran int, err error) {
	t.Helper()
	for trace := ""; ran < limit; ran++ {
		inv := &hearth.Invocation{TraceID: trace}
		if _, err := d.Invoke(t.Context(), name, "", inv); err != nil {
			return ran, err
		}
		trace = inv.TraceID
	}
	return ran, nil
}

func TestInvoke_Loop_IsStoppedAfterSixteen(t *testing.T) {
	ran, err := chain(t, dispatch.New(dispatch.Options{Functions: active(), Runner: &runner{}}), 100)
	if ran != 16 || !errors.Is(err, hearth.ErrRecursiveInvoke) {
		t.Errorf("ran %d times, then %v", ran, err)
	}
}

// recursions are the configurations of functions.
type recursions map[hearth.Name]string

func (r recursions) Lookup(name hearth.Name, qualifier string) *hearth.Recursion {
	if loop, set := r[name]; set && qualifier == "" {
		return &hearth.Recursion{Function: name, Loop: loop}
	}
	return nil
}

func TestInvoke_LoopThatIsAllowed_GoesOn(t *testing.T) {
	d := dispatch.New(dispatch.Options{Functions: active(), Runner: &runner{}, Recursions: recursions{name: hearth.RecursionAllow}})
	if ran, err := chain(t, d, 100); ran != 100 || err != nil {
		t.Errorf("ran %d times, then %v", ran, err)
	}
}

func TestInvoke_TraceWithoutLineage_BeginsOne(t *testing.T) {
	for _, trace := range []string{"Root=1-2-3;Sampled=0", "Root=1-2-3;Parent=4;Sampled=1"} {
		inv := &hearth.Invocation{TraceID: trace}
		if _, err := dispatch.New(dispatch.Options{Functions: active(), Runner: &runner{}}).Invoke(t.Context(), name, "", inv); err != nil {
			t.Fatal(err)
		}
		if form := regexp.MustCompile("^" + trace + ";Lineage=1:[0-9a-f]{8}:0$"); !form.MatchString(inv.TraceID) {
			t.Errorf("%s became %s", trace, inv.TraceID)
		}
	}
}

func TestInvoke_LoopWithATraceOfTheCaller_IsStopped(t *testing.T) {
	inv := &hearth.Invocation{TraceID: "Root=1-2-3;Parent=4;Sampled=1"}
	d, ran := dispatch.New(dispatch.Options{Functions: active(), Runner: &runner{}}), 0
	var err error
	for ; err == nil && ran < 100; ran++ {
		inv = &hearth.Invocation{TraceID: inv.TraceID}
		_, err = d.Invoke(t.Context(), name, "", inv)
	}
	if ran != 17 || !errors.Is(err, hearth.ErrRecursiveInvoke) {
		t.Errorf("ended with the invocation %d: %v", ran, err)
	}
}

func TestInvoke_NoTraceHeader_StaysAsItIs(t *testing.T) {
	for _, trace := range []string{"nonsense", strings.Repeat("x", 3000) + ";Lineage=1:00000000:0", "Root=" + strings.Repeat("x", 3000)} {
		inv := &hearth.Invocation{TraceID: trace}
		if _, err := dispatch.New(dispatch.Options{Functions: active(), Runner: &runner{}}).Invoke(t.Context(), name, "", inv); err != nil || inv.TraceID != trace {
			t.Errorf("%.40s became %.40s, %v", trace, inv.TraceID, err)
		}
	}
}

func TestInvoke_LineageOfOthers_IsKept(t *testing.T) {
	inv := &hearth.Invocation{TraceID: "Root=1-2-3;Lineage=1:aaaaaaaa:7|x;Sampled=0"}
	if _, err := dispatch.New(dispatch.Options{Functions: active(), Runner: &runner{}}).Invoke(t.Context(), name, "", inv); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(inv.TraceID, "Root=1-2-3;Lineage=1:aaaaaaaa:7|x|1:") || !strings.HasSuffix(inv.TraceID, ":1;Sampled=0") {
		t.Errorf("became %s", inv.TraceID)
	}
}

func FuzzInvoke_Trace(f *testing.F) {
	for _, seed := range []string{"Lineage=", "Lineage=1:00000000:99999999999|", "Root=1;Lineage=|;|", "Lineage=Lineage=;", "Root=1", "Root=1;Sampled=?;Sampled=?", "Root=;Lineage=;Lineage="} {
		f.Add(seed)
	}
	d := dispatch.New(dispatch.Options{Functions: active(), Runner: &runner{}})
	f.Fuzz(func(t *testing.T, trace string) {
		inv := &hearth.Invocation{TraceID: trace}
		if _, err := d.Invoke(t.Context(), name, "", inv); err != nil && !errors.Is(err, hearth.ErrRecursiveInvoke) {
			t.Fatal(err)
		}
		if trace != "" && len(inv.TraceID) > len(trace)+len(";Sampled=0;Lineage=1:00000000:0") {
			t.Errorf("%q became %q", trace, inv.TraceID)
		}
	})
}
