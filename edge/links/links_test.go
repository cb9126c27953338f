package links_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/edge/links"
)

// archives has contents by digest.
type archives map[string]string

func (a archives) OpenCode(_ context.Context, digest string) (io.ReadCloser, error) {
	content, ok := a[digest]
	if !ok {
		return nil, hearth.ErrNotFound
	}
	if content == "broken" {
		return nil, errors.New("disk is lost")
	}
	return io.NopCloser(strings.NewReader(content)), nil
}

// get follows a link.
func get(t *testing.T, l *links.Links, link string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	l.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, link, nil))
	return w
}

// linkTo returns a link as a client of http://localhost:4566 gets it.
func linkTo(l *links.Links, digest string) string {
	return l.Link(&http.Request{Host: "localhost:4566"}, digest)
}

func refused(t *testing.T, w *httptest.ResponseRecorder, status int, message string) {
	t.Helper()
	if w.Code != status || !strings.Contains(w.Body.String(), message) {
		t.Errorf("got %d %s; want %d with %q", w.Code, w.Body, status, message)
	}
}

func TestLink_DownloadsTheArchive(t *testing.T) {
	l := links.New(archives{"d": "content"}, nil)
	link := linkTo(l, "d")
	if !strings.HasPrefix(link, "http://localhost:4566"+links.Path+"d?") {
		t.Errorf("the link is %s", link)
	}
	w := get(t, l, link)
	if w.Code != 200 || w.Body.String() != "content" || w.Header().Get("Content-Type") != "application/zip" {
		t.Errorf("%d %s %s", w.Code, w.Header(), w.Body)
	}
}

func TestLink_OfATLSClient_IsHTTPS(t *testing.T) {
	l := links.New(archives{}, nil)
	if link := l.Link(&http.Request{Host: "h", TLS: &tls.ConnectionState{}}, "d"); !strings.HasPrefix(link, "https://h/") {
		t.Errorf("the link is %s", link)
	}
}

func TestLink_ArchiveThatIsGone(t *testing.T) {
	a := archives{"d": "content"}
	l := links.New(a, nil)
	link := linkTo(l, "d")
	delete(a, "d")
	refused(t, get(t, l, link), 404, "The code archive does not exist any more.")
}

func TestLink_ArchiveThatCannotBeRead_SaysNothingOfWhy(t *testing.T) {
	l := links.New(archives{"d": "broken"}, nil)
	w := get(t, l, linkTo(l, "d"))
	refused(t, w, 500, "internal error")
	if strings.Contains(w.Body.String(), "disk") {
		t.Errorf("the caller reads %s", w.Body)
	}
}

func TestLink_ExpiresAfterTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := links.New(archives{"d": "content"}, nil)
		link := linkTo(l, "d")
		<-time.After(10 * time.Minute)
		if w := get(t, l, link); w.Code != 200 {
			t.Errorf("after ten minutes: %d", w.Code)
		}
		<-time.After(time.Second)
		refused(t, get(t, l, link), 403, "for a new one.")
	})
}

func TestLink_Forged_IsRefused(t *testing.T) {
	l := links.New(archives{"d": "content", "e": "other"}, nil)
	link, err := url.Parse(linkTo(l, "d"))
	if err != nil {
		t.Fatal(err)
	}
	q := link.Query()
	for name, forged := range map[string]string{
		"later":      "d?Expires=99999999999&Signature=" + q.Get("Signature"),
		"junk":       "d?Expires=x&Signature=" + q.Get("Signature"),
		"no expiry":  "d?Signature=" + q.Get("Signature"),
		"unsigned":   "d?Expires=" + q.Get("Expires"),
		"mis-signed": "d?Expires=" + q.Get("Expires") + "&Signature=" + strings.Repeat("0", 64),
		"another":    "e?" + link.RawQuery,
	} {
		if w := get(t, l, links.Path+forged); w.Code != 403 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

func TestLink_OfAnotherDaemon_IsRefused(t *testing.T) {
	a := archives{"d": "content"}
	refused(t, get(t, links.New(a, nil), linkTo(links.New(a, nil), "d")), 403, "not valid")
}

// slow is archives that nobody has read to the end until free is closed.
type slow struct {
	opened atomic.Int32
	free   chan struct{}
}

func (s *slow) OpenCode(context.Context, string) (io.ReadCloser, error) {
	s.opened.Add(1)
	<-s.free
	return io.NopCloser(strings.NewReader("content")), nil
}

func TestLink_ManySlowDownloads_OthersWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &slow{free: make(chan struct{})}
		l := links.New(a, nil)
		link := linkTo(l, "d")
		var downloads sync.WaitGroup
		for range 40 {
			downloads.Go(func() {
				if w := get(t, l, link); w.Body.String() != "content" {
					t.Errorf("%d %s", w.Code, w.Body)
				}
			})
		}
		synctest.Wait()
		if n := a.opened.Load(); n != 32 {
			t.Errorf("%d archives are open, want 32", n)
		}
		close(a.free)
		downloads.Wait()
	})
}
