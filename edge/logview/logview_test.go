package logview_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/edge/logview"
	"github.com/hearthd/hearth/edge/scope"
)

// functions has every function but those called missing or deleted, with an
// alias live of version 3 and no version 4.
type functions struct{}

func (functions) Get(_ context.Context, name hearth.Name, version string) (*hearth.Function, uint64, error) {
	if name.Function == "missing" || name.Function == "deleted" || version == "4" {
		return nil, 0, hearth.Errorf(hearth.ErrNotFound, "Function not found: %s", name.ARN(version))
	}
	return &hearth.Function{Name: name, Version: version}, 1, nil
}

func (functions) GetAlias(_ context.Context, name hearth.Name, alias string) (*hearth.Alias, error) {
	if alias != "live" {
		return nil, hearth.Errorf(hearth.ErrNotFound, "Alias not found: %s", name.ARN(alias))
	}
	return &hearth.Alias{Function: name, Name: alias, Version: "3"}, nil
}

// reader has the events of every function.
type reader struct {
	events []hearth.LogEvent
	err    error
	asked  []string
}

func (r *reader) Follow(ctx context.Context, fn *hearth.Function, since time.Time, follow bool, yield func(hearth.LogEvent) error) error {
	r.asked = append(r.asked, fmt.Sprint(fn.Name, ":", fn.Version, " ", since.Format(time.RFC3339Nano), " ", follow))
	for _, ev := range r.events {
		if err := yield(ev); err != nil {
			return err
		}
	}
	if follow {
		<-ctx.Done()
	}
	return r.err
}

func (r *reader) Has(fn *hearth.Function) (bool, error) {
	return fn.Logging.Group != "/aws/lambda/missing", r.err
}

func view(r *reader) *logview.View {
	return logview.New(logview.Options{Functions: functions{}, Logs: r, Scope: scope.Defaults{Account: "000000000000", Region: "us-east-1"}})
}

func get(t *testing.T, v *logview.View, query string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	v.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, logview.Path+query, nil))
	return w
}

func TestView_OneObjectPerLine(t *testing.T) {
	r := &reader{events: []hearth.LogEvent{
		{Time: time.Date(2026, 11, 21, 1, 0, 0, 1e6, time.UTC), Stream: "s", Message: "one"},
		{Time: time.Date(2026, 11, 21, 1, 0, 0, 2e6, time.UTC), Stream: "s", Message: "two"},
	}}
	w := get(t, view(r), "?function=f&since=2026-11-21T02:00:00%2B01:00")
	const want = `{"time":"2026-11-21T01:00:00.001Z","stream":"s","message":"one"}` + "\n" +
		`{"time":"2026-11-21T01:00:00.002Z","stream":"s","message":"two"}` + "\n"
	if w.Code != 200 || w.Body.String() != want || w.Header().Get("Content-Type") != "application/x-ndjson" {
		t.Errorf("%d %s %s", w.Code, w.Header(), w.Body)
	}
	if diff := cmp.Diff([]string{"000000000000/us-east-1/f: 2026-11-21T02:00:00+01:00 false"}, r.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestView_OfAnotherRegionByARN_AndOfAnAlias(t *testing.T) {
	r := &reader{}
	if w := get(t, view(r), "?function=arn:aws:lambda:eu-west-1:000000000000:function:f:live"); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if diff := cmp.Diff([]string{"000000000000/eu-west-1/f:3 0001-01-01T00:00:00Z false"}, r.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestView_NameAlone_IsOfTheCallersAccountAndRegion(t *testing.T) {
	r := &reader{}
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, logview.Path+"?function=f", nil)
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA/20261121/eu-west-1/lambda/aws4_request, SignedHeaders=host, Signature=00")
	view(r).ServeHTTP(httptest.NewRecorder(), req)
	checked := scope.WithCaller(t.Context(), scope.Caller{Account: "111122223333", Region: "us-west-2"})
	view(r).ServeHTTP(httptest.NewRecorder(), req.WithContext(checked))
	want := []string{"000000000000/eu-west-1/f: 0001-01-01T00:00:00Z false", "111122223333/us-west-2/f: 0001-01-01T00:00:00Z false"}
	if diff := cmp.Diff(want, r.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

func TestView_FollowsUntilTheClientIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := view(&reader{events: []hearth.LogEvent{{Stream: "s", Message: "past"}}})
		ctx, cancel := context.WithCancel(t.Context())
		w := httptest.NewRecorder()
		done := make(chan struct{})
		go func() {
			defer close(done)
			v.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, logview.Path+"?function=f&follow=1", nil))
		}()
		synctest.Wait()
		if !w.Flushed || !strings.Contains(w.Body.String(), "past") {
			t.Errorf("flushed: %t, %s", w.Flushed, w.Body)
		}
		cancel()
		<-done
	})
}

func TestView_Mistakes(t *testing.T) {
	v := view(&reader{})
	for query, want := range map[string]string{
		"?function=missing":           "Function not found",
		"?function=f:4":               "Function not found",
		"?function=missing:live":      "Function not found",
		"?function=f:dead":            "Alias not found",
		"":                            "functionName",
		"?function=f&since=yesterday": "since must be a time",
	} {
		if w := get(t, v, query); w.Code < 400 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s: %d %s, want %q", query, w.Code, w.Body, want)
		}
	}
}

func TestView_OfADeletedFunction_IsWhatIsKept(t *testing.T) {
	for _, name := range []string{"deleted", "deleted:4", "deleted:live"} {
		w := get(t, view(&reader{events: []hearth.LogEvent{{Message: "past"}}}), "?function="+name)
		if w.Code != 200 || !strings.Contains(w.Body.String(), "past") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := get(t, view(&reader{err: errors.New("disk is lost")}), "?function=deleted"); w.Code != 500 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestView_ReaderThatFailsAtOnce(t *testing.T) {
	w := get(t, view(&reader{err: errors.New("disk is lost")}), "?function=f")
	if w.Code != 500 || strings.Contains(w.Body.String(), "disk") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
