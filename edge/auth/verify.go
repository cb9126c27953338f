package auth

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/edge/scope"
	"github.com/hearthd/hearth/internal/sigv4"
)

// Principal is who a signature proves to have sent a request.
type Principal struct {
	Account      string // twelve digits
	ARN          string
	RoleARN      string   // whose session it is; empty: nobody's
	Organization string   // of the account, such as o-a1b2c3d4e5; empty: none
	Function     string   // ARN of the function whose environment it is; empty: of none
	Actions      []string // what it may do, such as lambda:Get*; nil: everything
}

// Key is what somebody outside signs requests with.
type Key struct {
	AccessKeyID     string
	SecretAccessKey string
	SessionToken    string // that requests must carry; empty: none
	Principal       Principal
}

// service is what signatures must be for.
const service = "lambda"

// maxSkew is how far a client's clock may be from ours, as on AWS.
const maxSkew = 15 * time.Minute

// Verifier knows keys and checks signatures against them. Its errors have
// AWS's words and are for the caller.
type Verifier struct {
	keys     map[string]Key
	sessions *Sessions
	region   string // one that is good whatever its form: see Regional
}

// Regional makes signatures for a region good that has not the form of AWS's, because
// the node is configured to be there. Call it before Verify.
func (v *Verifier) Regional(region string) *Verifier {
	v.region = region
	return v
}

// NewVerifier returns a verifier of keys and of the sessions that Sessions gave
// out, if that is not nil. Keys with the same id are an error.
func NewVerifier(keys []Key, sessions *Sessions) (*Verifier, error) {
	v := &Verifier{keys: make(map[string]Key, len(keys)), sessions: sessions}
	for _, k := range keys {
		if _, twice := v.keys[k.AccessKeyID]; twice {
			return nil, fmt.Errorf("two keys have the access key id %s", k.AccessKeyID)
		}
		v.keys[k.AccessKeyID] = k
	}
	return v, nil
}

// claim is a signature whose key is known. That it is genuine is not checked.
type claim struct {
	signature *sigv4.Signature
	secret    string
	principal Principal
}

// claim does what can be done before the body is there.
func (v *Verifier) claim(r *http.Request, now time.Time) (*claim, error) {
	s, err := sigv4.Parse(r)
	var form *sigv4.FormError
	switch {
	case errors.As(err, &form):
		return nil, hearth.Errorf(hearth.ErrSignatureForm, "%s", form.Message)
	case err != nil:
		return nil, hearth.Errorf(hearth.ErrNoSignature, "Missing Authentication Token")
	}
	if err := v.checkScope(s); err != nil {
		return nil, err
	}
	if err := checkTime(s, now); err != nil {
		return nil, err
	}
	c := &claim{signature: s}
	if c.principal, c.secret, err = v.find(s); err != nil {
		return nil, err
	}
	return c, nil
}

// find returns the principal and the secret of a key.
func (v *Verifier) find(s *sigv4.Signature) (Principal, string, error) {
	if k, ok := v.keys[s.AccessKeyID]; ok {
		if subtle.ConstantTimeCompare([]byte(k.SessionToken), []byte(s.Token)) != 1 {
			return Principal{}, "", unknownClient()
		}
		return k.Principal, k.SecretAccessKey, nil
	}
	if v.sessions == nil || s.Token == "" {
		return Principal{}, "", unknownClient()
	}
	return v.sessions.open(s.AccessKeyID, s.Token)
}

func unknownClient() error {
	return hearth.Errorf(hearth.ErrUnknownClient, "The security token included in the request is invalid.")
}

// Verify returns who sent a request with a body, of which it takes the hash, and for which region.
func (v *Verifier) Verify(r *http.Request, bodyHash string, now time.Time) (p Principal, region string, err error) {
	c, err := v.claim(r, now)
	if err != nil {
		return Principal{}, "", err
	}
	hash, ok := c.signature.PayloadHash(bodyHash)
	if !ok || !c.signature.Matches(r, c.secret, hash) {
		return Principal{}, "", hearth.Errorf(hearth.ErrSignature, "The request signature we calculated does not match the signature you provided. "+
			"Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return c.principal, c.signature.Scope.Region, nil
}

// checkScope refuses signatures for others than Lambda, and for words that are no
// region: each region is a namespace of its own, and a slip would be an empty one.
func (v *Verifier) checkScope(s *sigv4.Signature) error {
	day := s.Time.UTC().Format(sigv4.TimeFormat)[:8]
	switch {
	case s.Scope.Service != service:
		return hearth.Errorf(hearth.ErrSignature, "Credential should be scoped to correct service: '%s'. ", service)
	case s.Scope.Region != v.region && !scope.IsRegionName(s.Scope.Region):
		return hearth.Errorf(hearth.ErrSignature, "Credential should be scoped to a valid region. ")
	case s.Scope.Date != day:
		return hearth.Errorf(hearth.ErrSignature, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
			s.Scope.Date, day, s.Time.UTC().Format(sigv4.TimeFormat))
	}
	return nil
}

// checkTime refuses signatures of other times. Clients correct their clocks by
// the Date of the answer, which net/http adds, when they read these texts.
func checkTime(s *sigv4.Signature, now time.Time) error {
	life, stamp := maxSkew, func(t time.Time) string { return t.UTC().Format(sigv4.TimeFormat) }
	if s.Presigned {
		life = s.Expires
	}
	if earliest := now.Add(-life); s.Time.Before(earliest.Truncate(time.Second)) {
		return hearth.Errorf(hearth.ErrSignature, "Signature expired: %s is now earlier than %s (%s - %s)",
			stamp(s.Time), stamp(earliest), stamp(now), spell(life))
	}
	if latest := now.Add(maxSkew); s.Time.After(latest) {
		return hearth.Errorf(hearth.ErrSignature, "Signature not yet current: %s is still later than %s (%s + %s)",
			stamp(s.Time), stamp(latest), stamp(now), spell(maxSkew))
	}
	return nil
}

// spell writes a duration as AWS does in these texts.
func spell(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%d min.", d/time.Minute)
	}
	return fmt.Sprintf("%d sec.", d/time.Second)
}
