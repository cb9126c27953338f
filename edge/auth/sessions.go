package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/internal/sigv4"
)

// Sessions gives out temporary credentials and recognises them by themselves:
// nothing is stored. What a session says of its principal is in its token,
// which a key protects that lives as long as the Sessions.
type Sessions struct {
	key  []byte
	life time.Duration
	now  func() time.Time
}

// NewSessions returns Sessions with a key of their own. life is how long
// credentials are good for, by now: more than an environment lives, since it
// keeps those that it began with.
func NewSessions(life time.Duration, now func() time.Time) *Sessions {
	key := make([]byte, 32)
	rand.Read(key) // never fails: see crypto/rand
	return &Sessions{key: key, life: life, now: now}
}

// session is what a token says, under its seal.
type session struct {
	AccessKeyID string
	Expires     int64 // Unix
	Principal   Principal
}

// maxToken bounds the tokens that are looked at, in bytes.
const maxToken = 16 << 10

// sealSize is the length of a seal, in bytes.
const sealSize = sha256.Size

// Issue returns credentials of a principal.
func (s *Sessions) Issue(p Principal) sigv4.Credentials {
	id := make([]byte, 10)
	rand.Read(id) // never fails: see crypto/rand
	c := sigv4.Credentials{AccessKeyID: "ASIA" + base32.StdEncoding.EncodeToString(id)}
	claims, err := json.Marshal(session{c.AccessKeyID, s.now().Add(s.life).Unix(), p})
	if err != nil {
		claims = nil // cannot happen: strings and numbers marshal; such a token opens nothing
	}
	c.SessionToken = base64.RawURLEncoding.EncodeToString(append(s.mac("seal", claims), claims...))
	c.SecretAccessKey = s.secret(c.SessionToken)
	return c
}

// open returns the principal and the secret of a session.
func (s *Sessions) open(accessKeyID, token string) (Principal, string, error) {
	if len(token) > maxToken {
		return Principal{}, "", unknownClient()
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) < sealSize || !hmac.Equal(raw[:sealSize], s.mac("seal", raw[sealSize:])) {
		return Principal{}, "", unknownClient()
	}
	var claims session
	if err := json.Unmarshal(raw[sealSize:], &claims); err != nil || claims.AccessKeyID != accessKeyID {
		return Principal{}, "", unknownClient()
	}
	if s.now().Unix() >= claims.Expires {
		return Principal{}, "", hearth.Errorf(hearth.ErrTokenExpired, "The security token included in the request is expired")
	}
	return claims.Principal, s.secret(token), nil
}

// secret is forty characters, as AWS's secrets have.
func (s *Sessions) secret(token string) string {
	return base64.StdEncoding.EncodeToString(s.mac("secret", []byte(token)))[:40]
}

// mac keeps seals and secrets apart: one must not tell the other.
func (s *Sessions) mac(purpose string, message []byte) []byte {
	m := hmac.New(sha256.New, s.key)
	m.Write([]byte(purpose + "\n"))
	m.Write(message)
	return m.Sum(nil)
}

// FunctionSession is the principal that a function's code acts as: a session
// of its role with its name, which may do what actions say.
func FunctionSession(fn *hearth.Function, actions []string) Principal {
	partition := hearth.Partition(fn.Name.Region)
	role := fn.Role[strings.LastIndexByte(fn.Role, '/')+1:]
	p := Principal{
		Account:  fn.Name.Account,
		ARN:      "arn:" + partition + ":sts::" + fn.Name.Account + ":assumed-role/" + role + "/" + fn.Name.Function,
		Function: fn.Name.ARN(""),
		Actions:  append([]string{}, actions...), // not nil: that is everything
	}
	// Whoever creates functions can name any role: those of other accounts
	// must not become theirs.
	if strings.HasPrefix(fn.Role, "arn:"+partition+":iam::"+fn.Name.Account+":role/") {
		p.RoleARN = fn.Role
	}
	return p
}
