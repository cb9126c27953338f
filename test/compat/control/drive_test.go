package control_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/hearthd/hearth/test/compat/daemon"
)

// patience is how long an answer may take, and how long an answer that is to
// come eventually may.
const patience = 30 * time.Second

// runner runs the rows of a file.
type runner struct {
	t      *testing.T
	file   *rowFile
	daemon *daemon.Daemon
	macros macros
}

var notLetters = regexp.MustCompile(`[^a-z]`)

func newRunner(t *testing.T, file *rowFile) *runner {
	d := theSuite.shared
	name := strings.TrimSuffix(filepath.Base(file.path), ".rows")
	region := fmt.Sprintf("eu-%s-%d", notLetters.ReplaceAllString(name, ""), theSuite.runs(file.path))
	m := macros{region: region, account: d.Account, captured: map[string]string{}}
	if file.serve != nil {
		d = ownDaemon(t, file, m)
	}
	return &runner{t: t, file: file, daemon: d, macros: m}
}

// ownDaemon starts a daemon with the flags of a file.
func ownDaemon(t *testing.T, file *rowFile, m macros) *daemon.Daemon {
	t.Helper()
	var flags []string
	for _, flag := range file.serve {
		expanded, err := m.expand(flag, asIs)
		if err != nil {
			t.Fatalf("%s: @serve: %v", file.path, err)
		}
		// A file of credentials must be private; git does not keep modes.
		if info, err := os.Stat(expanded); err == nil && info.Mode().IsRegular() {
			if err := os.Chmod(expanded, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		flags = append(flags, expanded)
	}
	d, err := daemon.Start(theSuite.binary, daemon.Options{Dir: t.TempDir(), Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("log of the daemon:\n%s", d.Log())
		}
	})
	return d
}

func (r *runner) run() {
	for i := range r.file.rows {
		row := &r.file.rows[i]
		err := r.row(row)
		theSuite.count(err == nil)
		if err != nil {
			r.t.Errorf("%s:%d: %s\n%v", r.file.path, row.line, row.title, err)
		}
	}
}

// answer is a response that was read.
type answer struct {
	operation string
	status    int
	header    http.Header
	body      string
}

func (r *runner) row(row *row) error {
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		got, err := r.send(row)
		if err != nil {
			return err
		}
		found, err := r.compare(row, got)
		if err == nil {
			maps.Copy(r.macros.captured, found)
			theSuite.cover(got)
			return nil
		}
		if !row.want.eventually || time.Now().After(deadline) {
			return err
		}
		<-tick.C
	}
}

// send makes the request of a row.
func (r *runner) send(row *row) (*answer, error) {
	req, body, err := r.request(row)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	req = req.WithContext(ctx)
	if row.sign == nil {
		if req.Header.Get("Authorization") == "" {
			req.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/%s/%s/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=0",
				time.Now().UTC().Format("20060102"), r.macros.region))
		}
	} else if err := r.sign(ctx, req, row.sign, body); err != nil {
		return nil, err
	}
	res, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer: %w", err)
	}
	got := &answer{operation: theSuite.operation(req), status: res.StatusCode, header: res.Header, body: string(data)}
	if res.Header.Get("Content-Type") == "application/vnd.amazon.eventstream" {
		got.body, err = eventText(data)
	}
	return got, err
}

func (r *runner) request(row *row) (req *http.Request, body string, err error) {
	target, err := r.macros.expandTarget(row.target)
	if err != nil {
		return nil, "", err
	}
	if body, err = r.macros.expand(row.request.body, asIs); err != nil {
		return nil, "", err
	}
	if strings.HasPrefix(target, "/") {
		target = r.daemon.Endpoint + target
	}
	var content io.Reader
	if body != "" {
		content = strings.NewReader(body)
	}
	if req, err = http.NewRequestWithContext(r.t.Context(), row.method, target, content); err != nil {
		return nil, "", err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range row.request.headers {
		value, err := r.macros.expand(h.value, asIs)
		if err != nil {
			return nil, "", err
		}
		req.Header.Set(h.name, value)
	}
	return req, body, nil
}

func (r *runner) sign(ctx context.Context, req *http.Request, by []string, body string) error {
	credentials := aws.Credentials{AccessKeyID: by[0], SecretAccessKey: by[1]}
	if len(by) > 2 {
		credentials.SessionToken = by[2]
	}
	sum := sha256.Sum256([]byte(body))
	return v4.NewSigner().SignHTTP(ctx, credentials, req, hex.EncodeToString(sum[:]), "lambda", r.macros.region, time.Now())
}

// eventText is an event stream as the rows write it.
func eventText(data []byte) (string, error) {
	var chunks, others strings.Builder
	decoder := eventstream.NewDecoder()
	for stream := bytes.NewReader(data); stream.Len() > 0; {
		message, err := decoder.Decode(stream, nil)
		if err != nil {
			return "", fmt.Errorf("decode the event stream: %w", err)
		}
		kind := message.Headers.Get(":event-type").String()
		if kind == "PayloadChunk" {
			chunks.Write(message.Payload)
		} else {
			fmt.Fprintf(&others, "\n%s: %s", kind, message.Payload)
		}
	}
	return "PayloadChunk: " + chunks.String() + others.String(), nil
}

// compare returns what the answer's placeholders captured, or how it differs
// from what was expected.
func (r *runner) compare(row *row, got *answer) (found map[string]string, err error) {
	m := newMatcher(r.macros.captured)
	if got.status != row.want.status {
		m.fail("status", "%d, want %d", got.status, row.want.status)
	}
	if code := got.header.Get("X-Amzn-Errortype"); code != row.want.code {
		m.fail("X-Amzn-Errortype", "%q, want %q", code, row.want.code)
	}
	if strings.HasPrefix(row.target, "/20") { // an operation, not a link
		m.text("X-Amzn-Requestid", "<uuid>", got.header.Get("X-Amzn-Requestid"))
	}
	for _, h := range row.want.headers {
		value, err := r.macros.expand(h.value, asIs)
		if err != nil {
			return nil, err
		}
		if values := got.header.Values(h.name); value != "<absent>" {
			m.text(h.name, value, strings.Join(values, ", "))
		} else if len(values) > 0 {
			m.fail(h.name, "is %q, want none", values)
		}
	}
	body, err := r.macros.expand(row.want.body, asIs)
	if err != nil {
		return nil, err
	}
	m.body(row.want.code, body, got.body)
	if len(m.diffs) > 0 {
		return nil, fmt.Errorf("  %s %s\n  %s\n  (%d %s %s)", row.method, row.target, strings.Join(m.diffs, "\n  "), got.status, got.header.Get("X-Amzn-Errortype"), shorten(got.body))
	}
	return m.found, nil
}

func (m *matcher) body(code, want, got string) {
	structured := strings.HasPrefix(want, "{") || strings.HasPrefix(want, "[")
	switch {
	case want == "<any>":
	case code != "" && !structured:
		m.errorBody(code, want, got)
	case structured:
		m.json("body", want, got)
	default:
		m.text("body", want, got)
	}
}

// errorBody compares the body of an error with a message and the members that
// AWS has for the code.
func (m *matcher) errorBody(code, message, got string) {
	value, err := decodeJSON(got)
	if err != nil {
		m.fail("body", "no JSON (%v), but %s", err, shorten(got))
		return
	}
	want := map[string]any{"message": message, "Type": "User"}
	switch code {
	case "ResourceNotFoundException", "CodeSigningConfigNotFoundException":
		want = map[string]any{"Message": message, "Type": "User"}
	case "ValidationException", "RequestEntityTooLargeException", "AccessDeniedException":
		want = map[string]any{"message": message}
	}
	m.value("body", want, value)
}
