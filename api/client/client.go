// Package client speaks the Lambda HTTP API of a running hearth daemon,
// as far as the command line needs it, and the few paths under /_hearth/ that
// AWS has no counterpart for. With credentials it signs what it sends.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/hearthd/hearth/internal/sigv4"
)

// What a daemon and its clients assume unless told otherwise.
const (
	// DefaultEndpoint is where a daemon listens.
	DefaultEndpoint = "http://127.0.0.1:4566"
	// DefaultRegion is that of requests which name none.
	DefaultRegion = "us-east-1"
)

// warningHeader is where the daemon warns of what will be in the way later; see
// edge/control.
const warningHeader = "X-Hearth-Warning"

// maxAnswer bounds what is read of an answer, in bytes; the largest is the
// response of a function, 6 MiB.
const maxAnswer = 64 << 20

// Client is a client of one daemon. It may be used by several goroutines.
type Client struct {
	endpoint    string // without a slash at the end
	http        *http.Client
	credentials sigv4.Credentials // empty: nothing is signed
	region      string

	mu       sync.Mutex
	warnings []string
}

// New returns a client of the daemon at an endpoint, such as
// http://127.0.0.1:4566. It does not connect.
func New(endpoint string) (*Client, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("endpoint %q is not a URL such as http://127.0.0.1:4566", endpoint)
	}
	transport := &http.Transport{
		// Invocations take as long as they take; only connecting is bounded.
		DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		// A proxy of the environment is for the world outside.
		Proxy: nil,
	}
	return &Client{
		endpoint: u.Scheme + "://" + u.Host,
		http:     &http.Client{Transport: transport},
	}, nil
}

// SignWith makes the client sign its requests, for a region. Call it before the
// first one.
func (c *Client) SignWith(credentials sigv4.Credentials, region string) {
	c.credentials, c.region = credentials, region
}

// Endpoint returns the address of the daemon.
func (c *Client) Endpoint() string { return c.endpoint }

// Close closes the connections that are kept open between requests.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Error is an answer of the daemon that says that a request failed.
type Error struct {
	Code       string // AWS's, e.g. ResourceNotFoundException
	Message    string
	StatusCode int // HTTP
}

func (e *Error) Error() string {
	if e.Message == "" {
		return fmt.Sprintf("%s (HTTP %d)", e.Code, e.StatusCode)
	}
	return fmt.Sprintf("%s (%s)", e.Message, e.Code)
}

// UnreachableError says that nothing listens at the endpoint.
type UnreachableError struct {
	Endpoint string
	Err      error // of the dialler
}

func (e *UnreachableError) Error() string {
	return fmt.Sprintf("no hearth daemon at %s; start one with: hearth serve", e.Endpoint)
}

// Unwrap returns the dialler's error.
func (e *UnreachableError) Unwrap() error { return e.Err }

// request is one call: path and query are escaped already.
type request struct {
	method string
	path   string
	query  url.Values
	header http.Header
	body   []byte
}

// send sends a request. A non-nil response has a 2xx status; the caller closes
// its body.
func (c *Client) send(ctx context.Context, r request) (*http.Response, error) {
	target := c.endpoint + r.path
	if len(r.query) > 0 {
		target += "?" + r.query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, r.method, target, bytes.NewReader(r.body))
	if err != nil {
		return nil, fmt.Errorf("build the request: %w", err)
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	if c.credentials.AccessKeyID != "" {
		sigv4.Sign(req, c.credentials, c.region, "lambda", r.body, time.Now())
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" && ctx.Err() == nil {
			return nil, &UnreachableError{Endpoint: c.endpoint, Err: err}
		}
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		defer resp.Body.Close()
		return nil, readError(resp)
	}
	c.noteWarning(resp.Header.Get(warningHeader))
	return resp, nil
}

func (c *Client) noteWarning(warning string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if warning != "" && !slices.Contains(c.warnings, warning) {
		c.warnings = append(c.warnings, warning)
	}
}

// Warnings returns what the daemon has warned of, each warning once.
func (c *Client) Warnings() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.warnings)
}

// call sends in as JSON, unless it is nil, and decodes the answer into out,
// unless it is nil.
func (c *Client) call(ctx context.Context, r request, in, out any) error {
	if in != nil {
		body, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("encode the request: %w", err)
		}
		r.body = body
		r.header = http.Header{"Content-Type": {"application/json"}}
	}
	resp, err := c.send(ctx, r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(out); err != nil {
		return fmt.Errorf("read the daemon's answer: %w", err)
	}
	return nil
}

// readError makes an Error of an answer. Something other than a hearth daemon
// may have sent it: what it says is passed on as far as it can be read.
func readError(resp *http.Response) error {
	e := &Error{Code: resp.Header.Get("X-Amzn-ErrorType"), StatusCode: resp.StatusCode}
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("read the daemon's answer: %w", err)
	}
	// encoding/json matches both of AWS's spellings, Message and message.
	var shape struct{ Message string }
	if json.Unmarshal(body, &shape) == nil {
		e.Message = shape.Message
	}
	if e.Code == "" {
		e.Code = resp.Status
	}
	return e
}
