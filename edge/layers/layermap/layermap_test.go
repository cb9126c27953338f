package layermap_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/edge/layers/layermap"
)

const arn = "arn:aws:lambda:eu-west-1:111122223333:layer:deps"

func TestParse_WhatIsNoMap_IsRefused(t *testing.T) {
	for _, s := range []string{"x", "=", arn, arn + "=", "deps=/opt/deps.zip", "arn:[=x"} {
		want := strconv.Quote(s) + " is not ARN=PATH"
		if _, err := layermap.Parse(s); err == nil || err.Error() != want {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// files are the Archives of a machine; a directory of it is sandbox/bundle's business.
type files struct{}

func (files) Open(_ context.Context, path string) (io.ReadCloser, error) { return os.Open(path) }

// open returns what a map has for an ARN.
func open(t *testing.T, s, arn string, log io.Writer) (string, error) {
	t.Helper()
	entries, err := layermap.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	m := layermap.New(layermap.Options{Entries: entries, Archives: files{}, Logger: slog.New(slog.NewTextHandler(log, nil))})
	r, err := m.Open(t.Context(), arn)
	if err != nil {
		return "", err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	return string(content), err
}

func TestOpen_FirstThatMatches(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"three.zip", "any.zip"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := arn + ":3=" + dir + "/three.zip, " + arn + ":*=" + dir + "/any.zip"
	for version, want := range map[string]string{":3": "three.zip", ":4": "any.zip"} {
		if got, err := open(t, s, arn+version, io.Discard); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", version, got, err, want)
		}
	}
}

func TestOpen_Unmapped_IsNotFound(t *testing.T) {
	if _, err := open(t, arn+":1=x", arn+":2", io.Discard); !errors.Is(err, hearth.ErrNotFound) {
		t.Errorf("%v", err)
	}
}

// The caller may be anybody with a key: the log has the path, the answer has not.
func TestOpen_Unreadable_HidesThePath(t *testing.T) {
	var log bytes.Buffer
	_, err := open(t, arn+":1=/secret/place.zip", arn+":1", &log)
	if !errors.Is(err, hearth.ErrInvalid) || strings.Contains(err.Error(), "secret") {
		t.Errorf("error = %v", err)
	}
	if !strings.Contains(log.String(), "/secret/place.zip") {
		t.Errorf("log = %s", &log)
	}
}
