package control

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// CodePath is where the code archives of GetFunction are downloaded from.
const CodePath = "/_hearth/code/"

// linkLife is how long a download link is good for, as on AWS.
const linkLife = 10 * time.Minute

// links signs download links with a key that lives as long as the daemon.
type links struct{ key []byte }

func newLinks() links {
	key := make([]byte, 32)
	rand.Read(key) // never fails: see crypto/rand
	return links{key: key}
}

func (l links) mac(digest, expires string) string {
	m := hmac.New(sha256.New, l.key)
	m.Write([]byte(digest + "\n" + expires))
	return hex.EncodeToString(m.Sum(nil))
}

// sign returns a URL at the address that the client used.
func (l links) sign(r *http.Request, digest string, now time.Time) string {
	expires := strconv.FormatInt(now.Add(linkLife).Unix(), 10)
	u := url.URL{Scheme: "http", Host: r.Host, Path: CodePath + digest}
	if r.TLS != nil {
		u.Scheme = "https"
	}
	u.RawQuery = url.Values{"Expires": {expires}, "Signature": {l.mac(digest, expires)}}.Encode()
	return u.String()
}

func (l links) verify(digest, expires, signature string, now time.Time) bool {
	until, err := strconv.ParseInt(expires, 10, 64)
	return err == nil && now.Unix() <= until && hmac.Equal([]byte(signature), []byte(l.mac(digest, expires)))
}

// ServeCode serves the links that GetFunction gives out, under CodePath.
func (s *Service) ServeCode(w http.ResponseWriter, r *http.Request) {
	digest, query := r.PathValue("digest"), r.URL.Query()
	if !s.links.verify(digest, query.Get("Expires"), query.Get("Signature"), time.Now()) {
		api.WriteError(w, api.RequestID(r.Context()), hearth.Errorf(hearth.ErrDenied,
			"The link has expired or is not valid. Call GetFunction for a new one."))
		return
	}
	body, err := s.opts.Functions.OpenCode(r.Context(), digest)
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
		s.opts.Logger.Warn("send code archive", "digest", digest, "error", err)
	}
}
