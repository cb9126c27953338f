package control_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/edge/control"
)

// Downloads of code, and logs: what is served beside the Lambda API.

// location creates a function and returns the link to its code.
func location(f *fixture) *url.URL {
	f.Helper()
	f.create("f", "")
	var out struct{ Code struct{ Location string } }
	if err := json.Unmarshal(f.do("GET", functions+"/f", "").Body.Bytes(), &out); err != nil {
		f.Fatal(err)
	}
	u, err := url.Parse(out.Code.Location)
	if err != nil {
		f.Fatal(err)
	}
	return u
}

func TestCode_LinkDownloadsIt(t *testing.T) {
	serve(t, func(f *fixture) {
		w := f.do("GET", location(f).RequestURI(), "")
		if w.Code != 200 || w.Body.String() != "code of f" || w.Header().Get("Content-Type") != "application/zip" {
			f.Errorf("%d %s %s", w.Code, w.Header(), w.Body)
		}
	})
}

func TestCode_ArchiveThatIsGone(t *testing.T) {
	serve(t, func(f *fixture) {
		link := location(f).RequestURI()
		clear(f.memory.code)
		f.refused(f.do("GET", link, ""), 404, "ResourceNotFoundException", "The code archive does not exist any more.")
	})
}

func TestCode_LinkExpires(t *testing.T) {
	serve(t, func(f *fixture) {
		link := location(f).RequestURI()
		<-time.After(10 * time.Minute)
		if w := f.do("GET", link, ""); w.Code != 200 {
			f.Errorf("after ten minutes: %d", w.Code)
		}
		<-time.After(time.Second)
		f.refused(f.do("GET", link, ""), 403, "AccessDeniedException", "Call GetFunction for a new one.")
	})
}

func TestCode_ForgedLinksAreRefused(t *testing.T) {
	serve(t, func(f *fixture) {
		link := location(f)
		q := link.Query()
		for name, forged := range map[string]string{
			"later":      "?Expires=99999999999&Signature=" + q.Get("Signature"),
			"junk":       "?Expires=x&Signature=" + q.Get("Signature"),
			"no expiry":  "?Signature=" + q.Get("Signature"),
			"unsigned":   "?Expires=" + q.Get("Expires"),
			"mis-signed": "?Expires=" + q.Get("Expires") + "&Signature=" + strings.Repeat("0", 64),
		} {
			if w := f.do("GET", link.Path+forged, ""); w.Code != 403 {
				f.Errorf("%s: %d", name, w.Code)
			}
		}
		other := control.CodePath + strings.Repeat("a", 64) + "?" + link.RawQuery
		f.refused(f.do("GET", other, ""), 403, "AccessDeniedException", "not valid")
	})
}

func TestCode_LinkOfAnotherDaemonIsRefused(t *testing.T) {
	serve(t, func(f *fixture) {
		link := location(f).RequestURI()
		f.service.Close()
		f.open()
		f.refused(f.do("GET", link, ""), 403, "AccessDeniedException", "not valid")
	})
}

func TestLogs_OneObjectPerLine(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", "")
		f.logs.events = []hearth.LogEvent{
			{Time: time.Date(2026, 11, 21, 1, 0, 0, 1e6, time.UTC), Stream: "s", Message: "one"},
			{Time: time.Date(2026, 11, 21, 1, 0, 0, 2e6, time.UTC), Stream: "s", Message: "two"},
		}
		w := f.do("GET", "/_hearth/logs?function=f&since=2026-11-21T02:00:00%2B01:00", "")
		const want = `{"time":"2026-11-21T01:00:00.001Z","stream":"s","message":"one"}` + "\n" +
			`{"time":"2026-11-21T01:00:00.002Z","stream":"s","message":"two"}` + "\n"
		if w.Code != 200 || w.Body.String() != want || w.Header().Get("Content-Type") != "application/x-ndjson" {
			f.Errorf("%d %s %s", w.Code, w.Header(), w.Body)
		}
		if diff := cmp.Diff([]string{"000000000000/us-east-1/f 2026-11-21T02:00:00+01:00 false"}, f.logs.asked); diff != "" {
			f.Errorf("asked (-want +got):\n%s", diff)
		}
	})
}

func TestLogs_OfAnotherRegionByARN(t *testing.T) {
	serve(t, func(f *fixture) {
		f.do("POST", functions, createBody("f", ""), "Authorization: AWS4-HMAC-SHA256 Credential=AKID/20261121/eu-west-1/lambda/aws4_request,")
		f.settle()
		if w := f.do("GET", "/_hearth/logs?function=arn:aws:lambda:eu-west-1:000000000000:function:f", ""); w.Code != 200 {
			f.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

func TestLogs_FollowUntilTheClientIsGone(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", "")
		f.logs.events = []hearth.LogEvent{{Stream: "s", Message: "past"}}
		ctx, cancel := context.WithCancel(f.Context())
		w := httptest.NewRecorder()
		done := make(chan struct{})
		go func() {
			defer close(done)
			f.service.ServeLogs(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/_hearth/logs?function=f&follow=1", nil))
		}()
		synctest.Wait()
		if !w.Flushed || !strings.Contains(w.Body.String(), "past") {
			f.Errorf("flushed: %t, %s", w.Flushed, w.Body)
		}
		cancel()
		<-done
	})
}

func TestLogs_Mistakes(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", "")
		f.refused(f.do("GET", "/_hearth/logs?function=missing", ""), 404, "ResourceNotFoundException", "Function not found")
		f.refused(f.do("GET", "/_hearth/logs", ""), 400, "ValidationException", "functionName")
		f.refused(f.do("GET", "/_hearth/logs?function=f&since=yesterday", ""), 400, "InvalidParameterValueException", "since must be a time")
	})
}

func TestLogs_ReaderThatFailsAtOnce(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", "")
		f.logs.err = errors.New("disk is lost")
		f.refused(f.do("GET", "/_hearth/logs?function=f", ""), 500, "ServiceException", "internal error")
	})
}
