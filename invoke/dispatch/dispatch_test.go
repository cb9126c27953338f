package dispatch_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/dispatch"
	"github.com/hearthd/hearth/invoke/environment"
)

// functions are versions and aliases by qualifier; "" is none of them.
type functions struct {
	mu       sync.Mutex
	versions map[string]*hearth.Function
	aliases  map[string]*hearth.Alias
	moved    func(*functions) // called once an alias was looked up
	err      error
	lookups  int
	told     []hearth.Subscriber
}

// Subscribe makes functions their own feed of changes.
func (f *functions) Subscribe(s hearth.Subscriber) (cancel func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, s)
	return func() {}
}

// change lets edit change the functions, and tells of it.
func (f *functions) change(edit func()) {
	f.mu.Lock()
	edit()
	told := f.told
	f.mu.Unlock()
	for _, s := range told {
		s.Changed(hearth.Change{Kind: hearth.KindFunction, Function: hearth.Name{Function: "another"}})
		s.Changed(hearth.Change{Kind: hearth.KindFunction, Function: name, Qualifier: hearth.Latest})
	}
}

// follow returns a dispatcher that follows the functions.
func follow(f *functions) *dispatch.Dispatcher {
	return dispatch.New(dispatch.Options{Functions: f, Runner: &runner{}, Changes: f})
}

func (f *functions) Lookup(_ hearth.Name, qualifier string) (*hearth.Function, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lookups++
	if qualifier == "" {
		qualifier = hearth.Latest
	}
	if fn := f.versions[qualifier]; fn != nil || f.err != nil {
		return fn, f.err
	}
	return nil, hearth.Errorf(hearth.ErrNotFound, "a text of the store's own")
}

func (f *functions) LookupAlias(_ hearth.Name, alias string) (*hearth.Alias, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.moved != nil {
		defer f.moved(f)
	}
	if a := f.aliases[alias]; a != nil || f.err != nil {
		return a, f.err
	}
	return nil, hearth.Errorf(hearth.ErrNotFound, "a text of the store's own")
}

func (f *functions) set(state string) {
	f.change(func() { f.versions = map[string]*hearth.Function{hearth.Latest: version(hearth.Latest, state)} })
}

func version(v, state string) *hearth.Function {
	return &hearth.Function{Name: name, Version: v, State: state}
}

var name = hearth.Name{Account: "123456789012", Region: "eu-west-1", Function: "f"}

// runner answers with its errors in turn, then with success.
type runner struct {
	errs []error
	ran  []hearth.Invocation
	fns  []*hearth.Function
}

func (r *runner) Invoke(_ context.Context, fn *hearth.Function, inv *hearth.Invocation) (hearth.Result, error) {
	r.ran, r.fns = append(r.ran, *inv), append(r.fns, fn)
	if n := len(r.ran); n <= len(r.errs) {
		return hearth.Result{}, r.errs[n-1]
	}
	return hearth.Result{Payload: []byte(`"ok"`), ExecutedVersion: fn.Version}, nil
}

func active() *functions {
	return &functions{
		versions: map[string]*hearth.Function{
			hearth.Latest: version(hearth.Latest, hearth.StateActive), "7": version("7", hearth.StateActive), "8": version("8", hearth.StateActive),
		},
		aliases: map[string]*hearth.Alias{"live": {Name: "live", Version: "7"}},
	}
}

func TestInvoke_QualifierPicksTheVersion(t *testing.T) {
	for qualifier, want := range map[string]string{"": hearth.Latest, hearth.Latest: hearth.Latest, "7": "7", "live": "7"} {
		var r runner
		res, err := dispatch.New(dispatch.Options{Functions: active(), Runner: &r}).Invoke(t.Context(), name, qualifier, &hearth.Invocation{})
		if err != nil || res.ExecutedVersion != want {
			t.Errorf("%q ran version %q, %v; want %q", qualifier, res.ExecutedVersion, err, want)
		}
	}
}

func TestInvoke_ARNIsAsTheCallerNamedTheFunction(t *testing.T) {
	const arn = "arn:aws:lambda:eu-west-1:123456789012:function:f"
	for qualifier, want := range map[string]string{"": arn, hearth.Latest: arn + ":$LATEST", "7": arn + ":7", "live": arn + ":live"} {
		var r runner
		if _, err := dispatch.New(dispatch.Options{Functions: active(), Runner: &r}).Invoke(t.Context(), name, qualifier, &hearth.Invocation{}); err != nil {
			t.Fatal(err)
		}
		if got := r.ran[0].InvokedARN; got != want {
			t.Errorf("%q: %s, want %s", qualifier, got, want)
		}
	}
}

func TestInvoke_MissingFunctionIsNamedWithItsQualifier(t *testing.T) {
	for qualifier, want := range map[string]string{"": ":$LATEST", hearth.Latest: ":$LATEST", "8": ":8", "007": ":007", "beta": ":beta"} {
		_, err := dispatch.New(dispatch.Options{Functions: &functions{}, Runner: &runner{}}).Invoke(t.Context(), name, qualifier, &hearth.Invocation{})
		want = "Function not found: arn:aws:lambda:eu-west-1:123456789012:function:f" + want
		if !errors.Is(err, hearth.ErrNotFound) || err.Error() != want {
			t.Errorf("%q: %v, want %s", qualifier, err, want)
		}
	}
}

func TestInvoke_OtherFaultsOfTheLookupAreNotTheCallersFault(t *testing.T) {
	lost := errors.New("index is lost")
	_, err := dispatch.New(dispatch.Options{Functions: &functions{err: lost}, Runner: &runner{}}).Invoke(t.Context(), name, "", &hearth.Invocation{})
	if !errors.Is(err, lost) || errors.Is(err, hearth.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestResolve_FailedFunctionIsRefused(t *testing.T) {
	f := &functions{}
	f.set(hearth.StateFailed)
	_, err := dispatch.New(dispatch.Options{Functions: f, Runner: &runner{}}).Resolve(t.Context(), name, "")
	const want = "The operation cannot be performed at this time. The function is currently in the following state: Failed"
	if !errors.Is(err, hearth.ErrConflict) || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestResolve_InactiveFunctionIsInvoked(t *testing.T) {
	f := &functions{}
	f.set(hearth.StateInactive)
	if _, err := dispatch.New(dispatch.Options{Functions: f, Runner: &runner{}}).Resolve(t.Context(), name, ""); err != nil {
		t.Error(err)
	}
}

func TestResolve_PendingFunctionIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &functions{}
		f.set(hearth.StatePending)
		began := time.Now()
		time.AfterFunc(time.Second, func() { f.set(hearth.StateActive) })
		fn, err := follow(f).Resolve(t.Context(), name, "")
		if f.lookups > 4 { // at first, ahead of the wait, and after the one change
			t.Errorf("looked %d times", f.lookups)
		}
		if err != nil || fn.State != hearth.StateActive {
			t.Errorf("got %+v, %v", fn, err)
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestResolve_PendingForLongIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &functions{}
		f.set(hearth.StatePending)
		began := time.Now()
		_, err := follow(f).Resolve(t.Context(), name, "")
		if !errors.Is(err, hearth.ErrConflict) || !strings.HasSuffix(err.Error(), "following state: Pending") {
			t.Errorf("got %v", err)
		}
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestResolve_CallerThatGivesUpWaitsNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &functions{}
		f.set(hearth.StatePending)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if _, err := follow(f).Resolve(ctx, name, ""); err == nil {
			t.Error("a Pending function was resolved")
		}
		if took := time.Since(began); took != time.Second {
			t.Errorf("took %s", took)
		}
	})
}

func TestResolve_FunctionDeletedWhilePending(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &functions{}
		f.set(hearth.StatePending)
		time.AfterFunc(time.Second, func() {
			f.change(func() { f.versions = nil })
		})
		if _, err := follow(f).Resolve(t.Context(), name, ""); !errors.Is(err, hearth.ErrNotFound) {
			t.Errorf("got %v", err)
		}
	})
}

func TestResolve_ManyWaitForThePendingFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &functions{}
		f.set(hearth.StatePending)
		d := follow(f)
		defer d.Close()
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if fn, err := d.Resolve(t.Context(), name, ""); err != nil || fn.State != hearth.StateActive {
					t.Errorf("got %+v, %v", fn, err)
				}
			})
		}
		synctest.Wait()
		f.set(hearth.StatePending) // a change that is not the one
		synctest.Wait()
		f.set(hearth.StateActive)
		wg.Wait()
	})
}

func TestInvoke_EventThatNoEnvironmentTookIsTriedOnOthers(t *testing.T) {
	for _, lost := range []error{environment.ErrNotDelivered, environment.ErrDead} {
		r := &runner{errs: []error{lost, lost}}
		inv := &hearth.Invocation{RequestID: "id", Payload: []byte("{}")}
		res, err := dispatch.New(dispatch.Options{Functions: active(), Runner: r}).Invoke(t.Context(), name, "", inv)
		if err != nil || string(res.Payload) != `"ok"` {
			t.Errorf("%v: %s, %v", lost, res.Payload, err)
		}
		if diff := cmp.Diff([]hearth.Invocation{r.ran[0], r.ran[0], r.ran[0]}, r.ran); diff != "" {
			t.Errorf("%v: the attempts differ:\n%s", lost, diff)
		}
	}
}

func TestInvoke_RuntimeThatAlwaysDiesIsTheFunctionsFailure(t *testing.T) {
	r := &runner{errs: []error{environment.ErrNotDelivered, environment.ErrNotDelivered, environment.ErrNotDelivered}}
	res, err := dispatch.New(dispatch.Options{Functions: active(), Runner: r}).Invoke(t.Context(), name, "7", &hearth.Invocation{RequestID: "6b3c"})
	if err != nil {
		t.Fatal(err)
	}
	want := hearth.Result{
		Payload:       []byte(`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: 6b3c Error: Runtime exited without providing a reason"}`),
		FunctionError: "Unhandled", ErrorType: "Runtime.ExitError", ExecutedVersion: "7",
	}
	if diff := cmp.Diff(want, res); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(r.ran) != 3 {
		t.Errorf("%d attempts", len(r.ran))
	}
}

func TestInvoke_HostThatLosesEverySandboxIsOurFailure(t *testing.T) {
	r := &runner{errs: []error{environment.ErrDead, environment.ErrDead, environment.ErrDead}}
	_, err := dispatch.New(dispatch.Options{Functions: active(), Runner: r}).Invoke(t.Context(), name, "", &hearth.Invocation{})
	if !errors.Is(err, environment.ErrDead) || len(r.ran) != 3 {
		t.Errorf("got %v after %d attempts", err, len(r.ran))
	}
}

func TestInvoke_OtherErrorsAreNotTriedAgain(t *testing.T) {
	for _, want := range []error{&hearth.Throttle{Reason: hearth.ThrottleConcurrency}, hearth.ErrUnavailable, context.Canceled, environment.ErrInterrupted} {
		r := &runner{errs: []error{want}}
		_, err := dispatch.New(dispatch.Options{Functions: active(), Runner: r}).Invoke(t.Context(), name, "", &hearth.Invocation{})
		if !errors.Is(err, want) || len(r.ran) != 1 {
			t.Errorf("got %v after %d attempts, want %v", err, len(r.ran), want)
		}
	}
}
