// Package sigv4 signs HTTP requests with AWS's Signature Version 4 and reads
// and checks such signatures, in the Authorization header or in the query of a
// presigned URL.
//
//	sigv4.Sign(req, credentials, "us-east-1", "lambda", body, time.Now())
//
//	s, err := sigv4.Parse(req)              // who claims to have signed, when
//	ok := s.Matches(req, secret, s.PayloadHash(bodyHash))
//
// It knows nothing of who may sign: keys, clock skew and services are the
// caller's business. What it reads comes from strangers and is bounded.
package sigv4

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// TimeFormat is how signatures write times, in UTC.
const TimeFormat = "20060102T150405Z"

const (
	algorithm   = "AWS4-HMAC-SHA256"
	terminator  = "aws4_request"
	hostHeader  = "host"
	tokenHeader = "X-Amz-Security-Token"
	hashHeader  = "X-Amz-Content-Sha256"
	dateHeader  = "X-Amz-Date"
)

// UnsignedPayload is the payload hash of requests whose body is not signed.
const UnsignedPayload = "UNSIGNED-PAYLOAD"

// Credentials are what a client signs with.
type Credentials struct {
	AccessKeyID, SecretAccessKey string
	SessionToken                 string // empty: of a lasting key
}

// Scope is what a signature is good for.
type Scope struct {
	Date    string // the day, as 20060102
	Region  string
	Service string
}

// String returns the scope as signatures write it.
func (s Scope) String() string {
	return s.Date + "/" + s.Region + "/" + s.Service + "/" + terminator
}

// HashBody returns the payload hash of a body.
func HashBody(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// Sign adds to a request the headers that sign it: host, the body and every
// header that it has so far. The request must not be changed after that.
func Sign(r *http.Request, c Credentials, region, service string, body []byte, now time.Time) {
	at := now.UTC().Format(TimeFormat)
	r.Header.Set(dateHeader, at)
	if c.SessionToken != "" {
		r.Header.Set(tokenHeader, c.SessionToken)
	}
	s := &Signature{AccessKeyID: c.AccessKeyID, Scope: Scope{at[:8], region, service}, date: at, signed: []string{hostHeader}}
	for name := range r.Header {
		s.signed = append(s.signed, strings.ToLower(name))
	}
	slices.Sort(s.signed)
	query, _ := canonicalQuery(r.URL.RawQuery) // of our own making
	path := canonicalPath(r)
	if service == "s3" {
		path = cmp.Or(r.URL.EscapedPath(), "/") // as it is sent
	}
	request := canonicalRequest(r, path, query, s.signed, HashBody(body))
	r.Header.Set("Authorization", algorithm+" Credential="+c.AccessKeyID+"/"+s.Scope.String()+
		", SignedHeaders="+strings.Join(s.signed, ";")+", Signature="+hex.EncodeToString(s.sum(c.SecretAccessKey, request)))
}

// Matches reports whether the secret's owner signed a request with this
// signature, in constant time. payloadHash is the body's; see PayloadHash.
func (s *Signature) Matches(r *http.Request, secret, payloadHash string) bool {
	query, ok := canonicalQuery(r.URL.RawQuery)
	if !ok {
		return false
	}
	path := canonicalPath(r)
	if s.matches(secret, canonicalRequest(r, path, query, s.signed, payloadHash)) {
		return true
	}
	// Some SDKs sign the path as they send it, others a tidied form of it.
	tidy := tidyPath(path)
	return tidy != path && s.matches(secret, canonicalRequest(r, tidy, query, s.signed, payloadHash))
}

func (s *Signature) matches(secret, request string) bool {
	return hmac.Equal(s.signature, s.sum(secret, request))
}

// sum signs a canonical request.
func (s *Signature) sum(secret, request string) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range []string{s.Scope.Date, s.Scope.Region, s.Scope.Service, terminator} {
		key = mac(key, part)
	}
	return mac(key, algorithm+"\n"+s.date+"\n"+s.Scope.String()+"\n"+HashBody([]byte(request)))
}

func mac(key []byte, message string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(message))
	return m.Sum(nil)
}

// headerValue is what a signature covers of a header.
func headerValue(r *http.Request, name string) string {
	switch name {
	case hostHeader:
		if r.Host != "" {
			return r.Host
		}
		return r.URL.Host
	case "content-length":
		if r.Header["Content-Length"] == nil { // where net/http has taken it out
			return strconv.FormatInt(max(r.ContentLength, 0), 10)
		}
	}
	values := r.Header[http.CanonicalHeaderKey(name)]
	folded := make([]string, len(values))
	for i, v := range values {
		folded[i] = foldSpaces(v)
	}
	return strings.Join(folded, ",")
}

// foldSpaces takes the spaces around a header off, and all but one of those
// within.
func foldSpaces(s string) string {
	s = strings.Trim(s, " ")
	if !strings.Contains(s, "  ") {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if s[i] != ' ' || s[i-1] != ' ' {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}
