package node_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/internal/sigv4"
	"github.com/hearthd/hearth/node"
	"github.com/hearthd/hearth/node/launch"
)

// single is the name of a function that is Put.
var single = hearth.Name{Account: "123456789012", Region: "us-east-1", Function: "shows"}

func digest(archive []byte) string {
	sum := sha256.Sum256(archive)
	return hex.EncodeToString(sum[:])
}

// sign signs a request with the first of keys.
func sign(r *http.Request) {
	c := sigv4.Credentials{AccessKeyID: keys[0].AccessKeyID, SecretAccessKey: keys[0].SecretAccessKey}
	sigv4.Sign(r, c, "us-east-1", "lambda", nil, time.Now())
}

// put stores the single function, with code that the house runs.
func (h *house) put() {
	h.Helper()
	fn, archive := node.NewFunction(single), archive(h.T, "single")
	fn.Runtime, fn.Handler, fn.State, fn.Generation = "provided.al2023", "any", hearth.StateActive, "1"
	fn.Role = "arn:aws:iam::123456789012:role/any"
	fn.Code.Digest, fn.Code.Size = digest(archive), int64(len(archive))
	if err := h.node.Put(h.Context(), fn, archive); err != nil {
		h.Fatal(err)
	}
}

// invoked returns what the single function answers.
func (h *house) invoked() string {
	h.Helper()
	res, err := h.node.Invoke(h.Context(), single, "", &hearth.Invocation{RequestID: "00000000-0000-4000-8000-000000000001", Payload: []byte("{}")})
	if err != nil {
		h.Fatal(err)
	}
	return string(res.Payload)
}

func TestPut_TheFunctionIsInvoked(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		h.put()
		if first, second := h.invoked(), h.invoked(); !strings.HasPrefix(first, `"ASIA`) || second != first {
			h.Errorf("its access key is %s, then %s, want one of AWS's form", first, second)
		}
	})
}

func TestPut_Twice_IsAConflict(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		h.put()
		if err := h.node.Put(h.Context(), node.NewFunction(single)); !errors.Is(err, hearth.ErrConflict) {
			h.Errorf("%v", err)
		}
	})
}

func TestAuth_FunctionsGetCredentials(t *testing.T) {
	var placeholder string
	inHouse(t, nil, func(h *house) {
		h.put()
		placeholder = h.invoked()
	})
	inHouse(t, func(o *node.Options) { o.Auth, o.AccessKeys = true, keys }, func(h *house) {
		h.put()
		if got := h.invoked(); !strings.HasPrefix(got, `"ASIA`) || got == placeholder {
			h.Errorf("its access key is %s, the placeholder %s", got, placeholder)
		}
	})
}

func TestInvocationHandler_ServesInvocationsAlone(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		h.put()
		const invocations = "http://127.0.0.1:8080/2015-03-31/functions/123456789012:shows/invocations"
		for name, test := range map[string]struct {
			listen, method, target, origin, invocationType string
			want                                           int
		}{
			"invocation":                          {"127.0.0.1:8080", "POST", invocations, "", "", 200},
			"event":                               {"127.0.0.1:8080", "POST", invocations, "", "Event", 501},
			"another operation":                   {"127.0.0.1:8080", "GET", "http://127.0.0.1:8080/2015-03-31/functions", "", "", 501},
			"of a web page":                       {"127.0.0.1:8080", "POST", invocations, "http://evil.example", "", 403},
			"in a container, to the name of that": {"0.0.0.0:8080", "POST", strings.Replace(invocations, "127.0.0.1", "container", 1), "", "", 200},
			"to a name on a loopback address":     {"127.0.0.1:8080", "POST", strings.Replace(invocations, "127.0.0.1", "container", 1), "", "", 403},
		} {
			r := httptest.NewRequestWithContext(h.Context(), test.method, test.target, strings.NewReader("{}"))
			r.Header.Set("X-Amz-Invocation-Type", test.invocationType)
			if test.origin != "" {
				r.Header.Set("Origin", test.origin)
			}
			w := httptest.NewRecorder()
			h.node.InvocationHandler(test.listen).ServeHTTP(w, r)
			if w.Code != test.want {
				h.Errorf("%s: %d %s, want %d", name, w.Code, w.Body, test.want)
			}
		}
	})
}

// A Python of the newest version comes first on PATH, and says just that.
func TestPickRuntime_AnyPython_IsTheNewestHere(t *testing.T) {
	bin := t.TempDir()
	python := "#!/bin/sh\necho '{\"version\":\"3.14.1\",\"executable\":\"" + bin + "/python3.14\",\"prefix\":\"" + bin + "\",\"basePrefix\":\"" + bin + "\"}'\n"
	if err := os.WriteFile(filepath.Join(bin, "python3.14"), []byte(python), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	n := opened(t, func(o *node.Options) { o.Environ = []string{"PATH=" + bin} })
	if got, err := n.PickRuntime(t.Context(), launch.AnyPython); got != "python3.14" || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

func TestPickRuntime_AnotherName_StaysAsItIs(t *testing.T) {
	inHouse(t, nil, func(h *house) {
		if got, err := h.node.PickRuntime(h.Context(), "cobol"); got != "cobol" || err != nil {
			h.Errorf("%s, %v", got, err)
		}
	})
}

func TestClose_Twice_IsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := node.MemoryStore()
		h := furnish(t, store, nil)
		h.leave()
		if err := h.node.Close(); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
}
