// Package links gives out download links for code archives and serves them. A
// link is good for ten minutes, as on AWS, and for one archive; whoever has it
// needs no credentials.
package links

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	wire "github.com/hearthd/hearth/api/own"
)

// Path is what the paths of links begin with.
const Path = wire.CodePath

// life is how long a link is good for, as on AWS.
const life = 10 * time.Minute

// Archives opens code archives by digest; hearth.ErrNotFound.
type Archives interface {
	OpenCode(ctx context.Context, digest string) (io.ReadCloser, error)
}

// Links signs download links with a key that lives as long as it does. It is
// the handler of Path too.
type Links struct {
	archives Archives
	logger   *slog.Logger
	key      []byte
	sending  chan struct{} // a place for each download at a time
}

// maxDownloads is how many archives are sent at a time; more wait. Clients
// that are slow to take them must not use up what the store has for readers.
const maxDownloads = 32

// New returns Links with a key of its own. A nil logger is silent.
func New(archives Archives, logger *slog.Logger) *Links {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	l := &Links{archives: archives, logger: logger, key: make([]byte, 32), sending: make(chan struct{}, maxDownloads)}
	rand.Read(l.key) // never fails: see crypto/rand
	return l
}

func (l *Links) mac(digest, expires string) string {
	m := hmac.New(sha256.New, l.key)
	m.Write([]byte(digest + "\n" + expires))
	return hex.EncodeToString(m.Sum(nil))
}

// Link returns a link to an archive, at the address that the client of r used.
func (l *Links) Link(r *http.Request, digest string) string {
	expires := strconv.FormatInt(time.Now().Add(life).Unix(), 10)
	u := url.URL{Scheme: "http", Host: r.Host, Path: Path + digest}
	if r.TLS != nil {
		u.Scheme = "https"
	}
	u.RawQuery = url.Values{"Expires": {expires}, "Signature": {l.mac(digest, expires)}}.Encode()
	return u.String()
}

func (l *Links) verify(digest, expires, signature string) bool {
	until, err := strconv.ParseInt(expires, 10, 64)
	return err == nil && time.Now().Unix() <= until && hmac.Equal([]byte(signature), []byte(l.mac(digest, expires)))
}

// ServeHTTP sends the archive that a link names.
func (l *Links) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	digest, query := strings.TrimPrefix(r.URL.Path, Path), r.URL.Query()
	if !l.verify(digest, query.Get("Expires"), query.Get("Signature")) {
		api.WriteError(w, api.RequestID(r.Context()), hearth.Errorf(hearth.ErrDenied,
			"The link has expired or is not valid. Call GetFunction or GetLayerVersion for a new one."))
		return
	}
	select {
	case l.sending <- struct{}{}:
		defer func() { <-l.sending }()
	case <-r.Context().Done():
		return // nobody waits for an answer
	}
	// A download may take as long as a link is good for; the connection's next
	// request has no deadline. Only tests have writers that know none.
	response := http.NewResponseController(w)
	_ = response.SetWriteDeadline(time.Now().Add(life))
	defer func() { _ = response.SetWriteDeadline(time.Time{}) }()
	body, err := l.archives.OpenCode(r.Context(), digest)
	if err != nil {
		if errors.Is(err, hearth.ErrNotFound) {
			err = hearth.Errorf(hearth.ErrNotFound, "The code archive does not exist any more.")
		}
		api.WriteError(w, api.RequestID(r.Context()), err)
		return
	}
	defer body.Close() // read only
	w.Header()["Content-Type"] = []string{"application/zip"}
	if _, err := io.Copy(w, body); err != nil {
		l.logger.Warn("send code archive", "digest", digest, "error", err)
	}
}
