package objects_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/edge/archive"
	"github.com/hearthd/hearth/edge/objects"
	"github.com/hearthd/hearth/internal/sigv4"
)

const (
	noBucket  = "Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist"
	noKey     = "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: The specified key does not exist."
	noVersion = "Error occurred while GetObject. S3 Error Code: NoSuchVersion. S3 Error Message: The specified version does not exist."
)

func has(t *testing.T, source archive.Objects, o hearth.S3Object, want string) {
	t.Helper()
	body, err := source.Open(t.Context(), o)
	if err != nil {
		t.Errorf("%v: %v", o, err)
		return
	}
	defer body.Close()
	if got, err := io.ReadAll(body); err != nil || string(got) != want {
		t.Errorf("%v is %q, %v; want %q", o, got, err, want)
	}
}

func lacks(t *testing.T, source archive.Objects, o hearth.S3Object, kind error, message string) {
	t.Helper()
	_, err := source.Open(t.Context(), o)
	if !errors.Is(err, kind) || !strings.Contains(err.Error(), message) {
		t.Errorf("%v: got %v; want %v with %q", o, err, kind, message)
	}
}

// newDir returns a directory with the objects b/k and b/sub/k.
func newDir(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"b/k": "content", "b/sub/k": "below", "other/secret": "secret", "file": "no bucket"} {
		path := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestDir_FilesAreObjects(t *testing.T) {
	d := objects.NewDir(newDir(t))
	has(t, d, hearth.S3Object{Bucket: "b", Key: "k"}, "content")
	has(t, d, hearth.S3Object{Bucket: "b", Key: "sub/k"}, "below")
	has(t, d, hearth.S3Object{Bucket: "b", Key: "k", Version: "null"}, "content")
}

func TestDir_WhatIsNotThere(t *testing.T) {
	d := objects.NewDir(newDir(t))
	for _, bucket := range []string{"missing", "..", ".", "b/sub", "a\x00b", "file"} {
		lacks(t, d, hearth.S3Object{Bucket: bucket, Key: "k"}, hearth.ErrInvalid, noBucket)
	}
	for _, key := range []string{"missing", "sub", "", "k/k", "k\x00"} {
		lacks(t, d, hearth.S3Object{Bucket: "b", Key: key}, hearth.ErrInvalid, noKey)
	}
	lacks(t, d, hearth.S3Object{Bucket: "b", Key: "k", Version: "v1"}, hearth.ErrInvalid, noVersion)
	lacks(t, objects.NewDir(filepath.Join(t.TempDir(), "none")), hearth.S3Object{Bucket: "b", Key: "k"}, hearth.ErrInvalid, noBucket)
}

func TestDir_NothingOutsideTheBucket(t *testing.T) {
	dir := newDir(t)
	if err := os.Symlink("../other/secret", filepath.Join(dir, "b", "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Dir(dir), filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	d := objects.NewDir(dir)
	lacks(t, d, hearth.S3Object{Bucket: "out", Key: filepath.Base(dir) + "/b/k"}, hearth.ErrInvalid, noBucket)
	for _, key := range []string{"../other/secret", "/etc/passwd", "link", "sub/../../other/secret"} {
		lacks(t, d, hearth.S3Object{Bucket: "b", Key: key}, hearth.ErrInvalid, noKey)
	}
}

// newEndpoint returns the objects of a service that handler is.
func newEndpoint(t *testing.T, c sigv4.Credentials, handler http.HandlerFunc) *objects.Endpoint {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	e, err := objects.NewEndpoint(objects.EndpointOptions{URL: server.URL, Region: "eu-west-1", Credentials: c})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEndpoint_PathStyle(t *testing.T) {
	e := newEndpoint(t, sigv4.Credentials{}, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Method, " ", r.RequestURI, " ", r.Header.Get("Authorization"))
	})
	has(t, e, hearth.S3Object{Bucket: "b", Key: "a/k.zip"}, "GET /b/a/k.zip ")
	has(t, e, hearth.S3Object{Bucket: "b", Key: "a b+c=ä~", Version: "v/1"}, "GET /b/a%20b%2Bc%3D%C3%A4~?versionId=v%2F1 ")
}

func TestEndpoint_SignsWithCredentials(t *testing.T) {
	credentials := sigv4.Credentials{AccessKeyID: "AKID", SecretAccessKey: "secret", SessionToken: "token"}
	e := newEndpoint(t, credentials, func(w http.ResponseWriter, r *http.Request) {
		h := r.Header
		if h.Get("X-Amz-Content-Sha256") != sigv4.HashBody(nil) || h.Get("X-Amz-Security-Token") != "token" ||
			!strings.Contains(h.Get("Authorization"), "/eu-west-1/s3/aws4_request") {
			w.WriteHeader(http.StatusForbidden)
		}
	})
	has(t, e, hearth.S3Object{Bucket: "b", Key: "k"}, "")
}

func TestEndpoint_ErrorsInLambdasWords(t *testing.T) {
	for answer, want := range map[string]struct {
		status  int
		kind    error
		message string
	}{
		"<Error><Code>NoSuchBucket</Code><Message>gone</Message></Error>": {404, hearth.ErrInvalid, noBucket},
		"<Error><Code>NoSuchKey</Code></Error>":                           {404, hearth.ErrInvalid, noKey},
		"<Error><Code>NoSuchVersion</Code></Error>":                       {404, hearth.ErrInvalid, noVersion},
		"not XML": {404, hearth.ErrInvalid, noKey},
		"<Error><Code>AccessDenied</Code><Message>No</Message></Error>":         {403, hearth.ErrDenied, "S3 Error Code: AccessDenied. S3 Error Message: No"},
		"<Error><Code>SlowDown</Code><Message>Slower</Message></Error>":         {503, hearth.ErrInvalid, "S3 Error Code: SlowDown. S3 Error Message: Slower"},
		"<Error><Code>PermanentRedirect</Code><Message>There</Message></Error>": {301, hearth.ErrInvalid, "S3 Error Code: PermanentRedirect."},
		"": {500, hearth.ErrInvalid, "S3 Error Code: Internal Server Error."},
	} {
		e := newEndpoint(t, sigv4.Credentials{}, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(want.status)
			fmt.Fprint(w, answer)
		})
		lacks(t, e, hearth.S3Object{Bucket: "b", Key: "k"}, want.kind, want.message)
	}
}

func TestEndpoint_NobodyThere_NamesTheSetting(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	e, err := objects.NewEndpoint(objects.EndpointOptions{URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	lacks(t, e, hearth.S3Object{Bucket: "b", Key: "k"}, hearth.ErrInvalid, "hearth cannot reach --s3-endpoint "+server.URL)
}

func TestNewEndpoint_RefusesWhatIsNoURL(t *testing.T) {
	for _, u := range []string{"", "127.0.0.1:9000", "ftp://h", "http://", "http://u:p@h", "http://h?x=1", "http://\x00"} {
		if _, err := objects.NewEndpoint(objects.EndpointOptions{URL: u}); err == nil {
			t.Errorf("%q is taken", u)
		}
	}
}
