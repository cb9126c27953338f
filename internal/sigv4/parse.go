package sigv4

import (
	"encoding/hex"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// ErrUnsigned says that a request bears no signature at all.
var ErrUnsigned = errors.New("the request is not signed")

// FormError says what is wrong with a signature that cannot be read, in AWS's
// words.
type FormError struct{ Message string }

func (e *FormError) Error() string { return e.Message }

// Bounds on what is read of a request. Real ones stay far below.
const (
	maxAuthorization = 16 << 10 // bytes
	maxQuery         = 64 << 10 // bytes
	maxSigned        = 128      // headers
)

// Signature is what a request says of its own signature. Nothing of it is
// checked before Matches.
type Signature struct {
	AccessKeyID string
	Scope       Scope
	Time        time.Time     // of signing
	Presigned   bool          // it is in the query
	Expires     time.Duration // of a presigned URL, from Time on
	Token       string        // session token; empty: there is none
	payloadHash string        // as the client gives it; empty: it does not
	date        string        // Time as the client writes it
	signed      []string      // names of headers, in lower case
	signature   []byte
}

// Parse reads the signature of a request. Errors: ErrUnsigned, *FormError.
func Parse(r *http.Request) (*Signature, error) {
	header := r.Header.Get("Authorization")
	inQuery := strings.Contains(r.URL.RawQuery, "X-Amz-Algorithm=") || strings.Contains(r.URL.RawQuery, "X-Amz-Signature=")
	switch {
	case len(header) > maxAuthorization || len(r.URL.RawQuery) > maxQuery || len(r.Header["Authorization"]) > 1:
		return nil, &FormError{"The signature or the query is too long."}
	case header != "" && inQuery:
		return nil, &FormError{"The request has a signature in its query and another in the Authorization header."}
	case header != "":
		return parseHeader(r, header)
	case inQuery:
		return parseQuery(r)
	}
	return nil, ErrUnsigned
}

// parseHeader reads
//
//	AWS4-HMAC-SHA256 Credential=<key>/<scope>, SignedHeaders=<a;b>, Signature=<hex>
func parseHeader(r *http.Request, header string) (*Signature, error) {
	rest, ok := strings.CutPrefix(header, algorithm)
	if !ok || rest != "" && rest[0] != ' ' {
		scheme, _, _ := strings.Cut(header, " ")
		return nil, &FormError{"Unsupported AWS 'algorithm': '" + scheme + "'."}
	}
	parts := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		if key, value, ok := strings.Cut(strings.TrimSpace(part), "="); ok {
			parts[key] = value
		}
	}
	date := r.Header.Get(dateHeader)
	if date == "" {
		if at, err := http.ParseTime(r.Header.Get("Date")); err == nil {
			date = at.UTC().Format(TimeFormat)
		}
	}
	var missing string
	for _, key := range []string{"Credential", "Signature", "SignedHeaders"} {
		if parts[key] == "" {
			missing += "Authorization header requires '" + key + "' parameter. "
		}
	}
	if date == "" {
		missing += "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
	}
	if missing != "" {
		// AWS repeats the header here. It holds no secret, but a stranger's text.
		return nil, &FormError{strings.TrimSpace(missing)}
	}
	s := &Signature{Token: r.Header.Get(tokenHeader), payloadHash: r.Header.Get(hashHeader), date: date}
	return s, s.fill(r, parts["Credential"], parts["SignedHeaders"], parts["Signature"])
}

// parseQuery reads the parameters X-Amz-... of a presigned URL.
func parseQuery(r *http.Request) (*Signature, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, &FormError{"The query cannot be read."}
	}
	var missing string
	for _, key := range []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"} {
		switch values := query[key]; {
		case len(values) == 0 || values[0] == "":
			missing += "AWS query-string parameters must include '" + key + "'. "
		case len(values) > 1:
			return nil, &FormError{"The query has several parameters '" + key + "'."}
		}
	}
	if missing != "" {
		return nil, &FormError{strings.TrimSpace(missing) + " Re-examine the query-string parameters."}
	}
	if got := query.Get("X-Amz-Algorithm"); got != algorithm {
		return nil, &FormError{"Unsupported AWS 'algorithm': '" + got + "'."}
	}
	s := &Signature{Presigned: true, Token: query.Get(tokenHeader), date: query.Get(dateHeader), Expires: 5 * time.Minute}
	if s.payloadHash = r.Header.Get(hashHeader); s.payloadHash == "" {
		s.payloadHash = query.Get(hashHeader)
	}
	if expires := query.Get("X-Amz-Expires"); expires != "" {
		seconds, err := strconv.Atoi(expires)
		if err != nil || seconds < 0 || seconds > 7*24*3600 {
			return nil, &FormError{"X-Amz-Expires must be between 0 and 604800 seconds."}
		}
		s.Expires = time.Duration(seconds) * time.Second
	}
	return s, s.fill(r, query.Get("X-Amz-Credential"), query.Get("X-Amz-SignedHeaders"), query.Get("X-Amz-Signature"))
}

// fill reads what both forms have in common.
func (s *Signature) fill(r *http.Request, credential, signed, signature string) (err error) {
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || parts[0] == "" {
		return &FormError{"Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '" + credential + "'"}
	}
	if parts[4] != terminator {
		return &FormError{"Credential should be scoped with a valid terminator: 'aws4_request', not '" + parts[4] + "'."}
	}
	s.AccessKeyID, s.Scope = parts[0], Scope{Date: parts[1], Region: parts[2], Service: parts[3]}
	if s.Time, err = time.Parse(TimeFormat, s.date); err != nil {
		return &FormError{"Date must be in ISO-8601 'basic format'. Got '" + s.date + "'. See http://en.wikipedia.org/wiki/ISO_8601"}
	}
	if s.signature, err = hex.DecodeString(signature); err != nil {
		return &FormError{"The signature is not hexadecimal."}
	}
	if strings.Count(signed, ";") >= maxSigned {
		return &FormError{"Too many headers are signed."}
	}
	s.signed = strings.Split(strings.ToLower(signed), ";")
	return s.checkSigned(r)
}

// checkSigned refuses requests with headers that mean something and that a
// stranger could have added or changed.
func (s *Signature) checkSigned(r *http.Request) error {
	has := make(map[string]bool, len(s.signed))
	for _, name := range s.signed {
		has[name] = true
	}
	if !has[hostHeader] {
		return &FormError{"'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."}
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Amz-") && !has[strings.ToLower(name)] {
			return &FormError{"'" + name + "' must be a 'SignedHeader' in the AWS Authorization."}
		}
	}
	return nil
}

// PayloadHash returns the payload hash to check the signature with, for a body
// with a hash; false when the client signed another body, or one in a form that
// only S3 reads (STREAMING-...).
func (s *Signature) PayloadHash(bodyHash string) (string, bool) {
	switch s.payloadHash {
	case "":
		return bodyHash, true
	case UnsignedPayload:
		return UnsignedPayload, true
	}
	return s.payloadHash, s.payloadHash == bodyHash
}
