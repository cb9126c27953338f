package objects

import (
	"cmp"
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/internal/sigv4"
)

// EndpointOptions configure an Endpoint.
type EndpointOptions struct {
	URL    string // http or https; buckets are the first part of the path below it
	Region string // to sign for
	// Credentials sign the requests. Without an access key id they are not signed.
	Credentials sigv4.Credentials
}

// Endpoint is a service that speaks S3, such as AWS's, MinIO or another
// emulator.
type Endpoint struct {
	opts EndpointOptions
	base *url.URL
	http *http.Client
}

// headerTimeout is how long a service may take to begin its answer. The whole
// of it is bounded by who reads it.
const headerTimeout = 30 * time.Second

// NewEndpoint returns the objects of a service, to which it does not connect yet.
func NewEndpoint(opts EndpointOptions) (*Endpoint, error) {
	base, err := url.Parse(opts.URL)
	if err != nil {
		return nil, err
	}
	if (base.Scheme != "http" && base.Scheme != "https") || base.Host == "" || base.RawQuery != "" || base.User != nil {
		return nil, fmt.Errorf("%q is not a URL such as http://127.0.0.1:9000", opts.URL)
	}
	return &Endpoint{opts: opts, base: base, http: &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, ResponseHeaderTimeout: headerTimeout, IdleConnTimeout: time.Minute,
			DisableCompression: true, // an archive is what it is
		},
		// A redirect would need another signature; S3's say which endpoint to use.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Open begins to read an object. The caller closes it; ctx bounds the reading.
func (e *Endpoint) Open(ctx context.Context, o hearth.S3Object) (io.ReadCloser, error) {
	u := *e.base
	u.Path = strings.TrimSuffix(u.Path, "/") + "/" + o.Bucket + "/" + o.Key
	u.RawPath = escapePath(u.Path)
	if o.Version != "" {
		u.RawQuery = "versionId=" + escape(o.Version)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", address(o), err)
	}
	if e.opts.Credentials.AccessKeyID != "" {
		r.Header.Set("X-Amz-Content-Sha256", sigv4.HashBody(nil))
		sigv4.Sign(r, e.opts.Credentials, e.opts.Region, "s3", nil, time.Now())
	}
	resp, err := e.http.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil, fmt.Errorf("read %s: %w", address(o), context.Cause(ctx))
		}
		return nil, hearth.Errorf(hearth.ErrInvalid, "hearth cannot reach --s3-endpoint %s to read %s: %v", e.opts.URL, address(o), err)
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return nil, readFailure(resp, o)
	}
	return resp.Body, nil
}

// maxErrorBody bounds what is read of an answer that is no object.
const maxErrorBody = 64 << 10

// readFailure turns S3's error into Lambda's.
func readFailure(resp *http.Response, o hearth.S3Object) error {
	var said struct {
		Code    string
		Message string
	}
	// What is no XML has neither.
	_ = xml.NewDecoder(io.LimitReader(resp.Body, maxErrorBody)).Decode(&said)
	code, message := said.Code, said.Message
	switch {
	case code == "NoSuchBucket":
		return errNoSuchBucket()
	case code == "NoSuchKey", code == "" && resp.StatusCode == http.StatusNotFound:
		return errNoSuchKey()
	case code == "NoSuchVersion":
		return errNoSuchVersion()
	case resp.StatusCode == http.StatusForbidden:
		return hearth.Errorf(hearth.ErrDenied, "Your access has been denied by S3, please make sure your request credentials have permission to GetObject for %s/%s."+
			" S3 Error Code: %s. S3 Error Message: %s", o.Bucket, o.Key, cmp.Or(code, "AccessDenied"), cmp.Or(message, "Access Denied"))
	}
	return failure(cmp.Or(code, http.StatusText(resp.StatusCode)), cmp.Or(message, resp.Status))
}

// escapePath percent-encodes a path as S3's signatures have it.
func escapePath(path string) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		parts[i] = escape(part)
	}
	return strings.Join(parts, "/")
}

// escape percent-encodes all but RFC 3986's unreserved characters.
func escape(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(s), "+", "%20"), "%7E", "~")
}
