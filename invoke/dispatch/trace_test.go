package dispatch_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/dispatch"
)

// traced returns the trace header that a function with a tracing mode is given
// when its caller sends one.
func traced(t *testing.T, mode, trace string) string {
	t.Helper()
	r, fns := &runner{}, active()
	fns.versions[hearth.Latest].TracingMode = mode
	inv := &hearth.Invocation{TraceID: trace}
	if _, err := dispatch.New(dispatch.Options{Functions: fns, Runner: r}).Invoke(t.Context(), name, "", inv); err != nil {
		t.Fatal(err)
	}
	if r.ran[0].TraceID != inv.TraceID {
		t.Errorf("the function got %q, the caller %q", r.ran[0].TraceID, inv.TraceID)
	}
	return inv.TraceID
}

func TestInvoke_WithoutTrace_GetsOneOfLambdasForm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for mode, decision := range map[string]string{"PassThrough": "0", "Active": "1"} {
			// The bubble's clock starts at 2000-01-01, which is 386d4380.
			form := regexp.MustCompile(`^Root=1-386d4380-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=` + decision + `;Lineage=1:[0-9a-f]{8}:0$`)
			if got := traced(t, mode, ""); !form.MatchString(got) {
				t.Errorf("%s: %s", mode, got)
			}
		}
	})
}

func TestInvoke_DecisionOfTheCaller_IsKept(t *testing.T) {
	for _, mode := range []string{"PassThrough", "Active"} {
		for _, trace := range []string{"Root=1-2-3;Parent=4;Sampled=1", "Root=1-2-3;Sampled=0", "Root=1-2-3;Parent=4;Sampled=0"} {
			if got := traced(t, mode, trace); !strings.HasPrefix(got, trace+";Lineage=") {
				t.Errorf("%s: %s became %s", mode, trace, got)
			}
		}
	}
}

var newParent = regexp.MustCompile(`;Parent=[0-9a-f]{16}`)

func TestInvoke_SampledWithoutParent_GetsOne(t *testing.T) {
	for trace, want := range map[string]string{
		"Root=1-2-3":                   "Root=1-2-3;Parent=P;Sampled=1;Lineage=",
		"Root=1-2-3;Sampled=1":         "Root=1-2-3;Parent=P;Sampled=1;Lineage=",
		"Self=x;Root=1-2-3;Sampled=1":  "Self=x;Root=1-2-3;Parent=P;Sampled=1;Lineage=",
		"Root=1-2-3;Parent=;Sampled=1": "Root=1-2-3;Parent=;Sampled=1;Lineage=",
		"Root=1-2-3;Sampled=0":         "Root=1-2-3;Sampled=0;Lineage=",
		"Sampled=1":                    "Sampled=1",
	} {
		if got := newParent.ReplaceAllString(traced(t, "Active", trace), ";Parent=P"); !strings.HasPrefix(got, want) {
			t.Errorf("%s became %s", trace, got)
		}
		if got := traced(t, "PassThrough", trace); newParent.MatchString(got) {
			t.Errorf("without tracing: %s became %s", trace, got)
		}
	}
}

func TestInvoke_OpenDecision_IsTheFunctions(t *testing.T) {
	for trace, want := range map[string]string{
		"Root=1-2-3":                                  "Root=1-2-3;Sampled=1;Lineage=1:",
		"Root=1-2-3;Parent=4":                         "Root=1-2-3;Parent=4;Sampled=1;Lineage=1:",
		"Root=1-2-3;Sampled=?":                        "Root=1-2-3;Sampled=1;Lineage=1:",
		"Root=1-2-3;Parent=4;Lineage=1:aaaaaaaa:7":    "Root=1-2-3;Parent=4;Sampled=1;Lineage=1:aaaaaaaa:7|1:",
		"Root=1-2-3;Sampled=?;Lineage=1:aaaaaaaa:7|x": "Root=1-2-3;Sampled=1;Lineage=1:aaaaaaaa:7|x|1:",
	} {
		got := traced(t, "Active", trace)
		if !strings.Contains(trace, "Parent=") {
			got = newParent.ReplaceAllString(got, "")
		}
		if !strings.HasPrefix(got, want) {
			t.Errorf("active: %s became %s", trace, got)
		}
		want = strings.Replace(want, "Sampled=1", "Sampled=0", 1)
		if got := traced(t, "PassThrough", trace); !strings.HasPrefix(got, want) {
			t.Errorf("pass-through: %s became %s", trace, got)
		}
	}
}

func TestNewTrace_IsNewAndUndecided(t *testing.T) {
	form := regexp.MustCompile(`^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16}$`)
	seen := map[string]bool{}
	for range 100 {
		trace := dispatch.NewTrace()
		if !form.MatchString(trace) || seen[trace] {
			t.Fatalf("got %s", trace)
		}
		seen[trace] = true
	}
}

func TestInvoke_FunctionOfAnotherID_IsNotFound(t *testing.T) {
	for _, qualifier := range []string{"", "7", "live"} {
		r, fns := &runner{}, active()
		for _, fn := range fns.versions {
			fn.ID = "new"
		}
		d := dispatch.New(dispatch.Options{Functions: fns, Runner: r})
		_, err := d.Invoke(t.Context(), name, qualifier, &hearth.Invocation{FunctionID: "old"})
		if !errors.Is(err, hearth.ErrNotFound) || !strings.HasPrefix(err.Error(), "Function not found: arn:") || len(r.ran) != 0 {
			t.Errorf("%q: ran %d times, %v", qualifier, len(r.ran), err)
		}
		for _, id := range []string{"new", ""} {
			if _, err := d.Invoke(t.Context(), name, qualifier, &hearth.Invocation{FunctionID: id}); err != nil {
				t.Errorf("for %q: %v", id, err)
			}
		}
	}
}
