package node_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth/internal/clock"
	"github.com/hearthd/hearth/node"
	"github.com/hearthd/hearth/node/launch"
	"github.com/hearthd/hearth/sandbox/mem"
)

// given are settings that make sense.
func given() node.Options {
	return node.Options{
		Account: "000000000000", Region: "us-east-1", Network: launch.NetworkNAT, MaxConcurrency: 1000,
		IdleTimeout: time.Minute, FreezeAfter: time.Second, MaxAge: time.Hour, AccessKeys: keys, Auth: true,
	}
}

func TestValidate_WhatMakesSense(t *testing.T) {
	for name, change := range map[string]func(*node.Options){
		"the given":        func(*node.Options) {},
		"an S3 endpoint":   func(o *node.Options) { o.S3Endpoint = "http://127.0.0.1:9000" },
		"an S3 directory":  func(o *node.Options) { o.S3Dir = "/srv" },
		"a runtime map":    func(o *node.Options) { o.RuntimeMap = "nodejs24.x=nodejs20.x" },
		"logs for ever":    func(o *node.Options) { o.LogRetention = 0 },
		"two keys, unused": func(o *node.Options) { o.Auth, o.AccessKeys = false, append(keys, keys...) },
	} {
		o := given()
		change(&o)
		if err := o.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValidate_NamesTheSetting(t *testing.T) {
	for want, change := range map[string]func(*node.Options){
		"network: ":                          func(o *node.Options) { o.Network = "moon" },
		"account: ":                          func(o *node.Options) { o.Account = "12345678901x" },
		"region: ":                           func(o *node.Options) { o.Region = "US East" },
		"idle-timeout, ":                     func(o *node.Options) { o.IdleTimeout = 0 },
		"idle-timeout, freeze-after and ":    func(o *node.Options) { o.FreezeAfter = 0 },
		"idle-timeout, freeze-after and lo":  func(o *node.Options) { o.LogRetention = -1 },
		"max-environment-age ":               func(o *node.Options) { o.MaxAge = time.Second },
		"max-concurrency ":                   func(o *node.Options) { o.MaxConcurrency = 0 },
		"max-concurrency must be positive, ": func(o *node.Options) { o.MaxMemory = -1 },
		"s3-endpoint and s3-dir: ":           func(o *node.Options) { o.S3Endpoint, o.S3Dir = "http://127.0.0.1", "/srv" },
		"s3-endpoint: ":                      func(o *node.Options) { o.S3Endpoint = "ftp://127.0.0.1" },
		"runtime-map: ":                      func(o *node.Options) { o.RuntimeMap = "cobol" },
		"layer-map: ":                        func(o *node.Options) { o.LayerMap = "cobol" },
		"access-keys: ":                      func(o *node.Options) { o.AccessKeys = append(keys, keys...) },
	} {
		o := given()
		change(&o)
		if err := o.Validate(); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v, want %s...", err, want)
		}
	}
}

// What was opened before an error is closed again: in the bubble, a goroutine that was
// left would be found.
func TestOpen_ErrorHalfWay_LeavesNothing(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, o *node.Options){
		"a directory that cannot be": func(t *testing.T, o *node.Options) { o.Dir = filepath.Join(file(t, o.Dir, "file"), "below") },
		"no place for traces":        func(t *testing.T, o *node.Options) { file(t, o.Dir, "traces") },
		"no place for logs":          func(t *testing.T, o *node.Options) { file(t, o.Dir, "logs") },
		"no place for code":          func(t *testing.T, o *node.Options) { file(t, o.Dir, "sandbox") },
		"two keys of one id":         func(_ *testing.T, o *node.Options) { o.Auth, o.AccessKeys = true, append(keys, keys...) },
		"a runtime map":              func(_ *testing.T, o *node.Options) { o.RuntimeMap = "cobol" },
		"a layer map":                func(_ *testing.T, o *node.Options) { o.LayerMap = "cobol" },
		"an S3 endpoint":             func(_ *testing.T, o *node.Options) { o.S3Endpoint = "ftp://127.0.0.1" },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			synctest.Test(t, func(t *testing.T) {
				driver, store := mem.New(mem.Options{}), node.MemoryStore()
				o := given()
				o.Dir, o.Driver, o.Store, o.Clock = dir, driver, store, clock.NewTest(time.Now())
				spoil(t, &o)
				if n, err := node.Open(t.Context(), o); n != nil || err == nil {
					t.Errorf("%v, %v", n, err)
				}
				if err := driver.Close(); err != nil {
					t.Error(err)
				}
				if err := store.Close(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// file makes an empty file and returns where.
func file(t *testing.T, dir, name string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestOpenStore_KeepsFunctions(t *testing.T) {
	dir := t.TempDir()
	for i := range 2 {
		store, err := node.OpenStore(t.Context(), filepath.Join(dir, "store"), nil)
		if err != nil {
			t.Fatal(err)
		}
		n := open(t, filepath.Join(dir, "node"), func(o *node.Options) { o.Store = store })
		if i == 0 {
			fn := node.NewFunction(single)
			fn.Code.Digest = strings.Repeat("a", 64)
			err = n.Put(t.Context(), fn)
		} else if code, body := ask(t, n, http.MethodGet, functions+"/123456789012:shows/aliases", ""); code != http.StatusOK {
			t.Errorf("the function at the second start: %d %s", code, body)
		}
		if err != nil {
			t.Error(err)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestOpenStore_DirectoryThatCannotBe(t *testing.T) {
	if s, err := node.OpenStore(t.Context(), filepath.Join(file(t, t.TempDir(), "file"), "store"), nil); s != nil || err == nil {
		t.Errorf("%v, %v", s, err)
	}
}

func TestStoreClose_OfOthers_DoesNothing(t *testing.T) {
	if err := (&node.Store{}).Close(); err != nil {
		t.Error(err)
	}
}

func TestProfilesHandler_IsForThisMachine(t *testing.T) {
	for target, want := range map[string]int{
		"http://127.0.0.1:6060/debug/pprof/":          http.StatusOK,
		"http://127.0.0.1:6060/debug/pprof/goroutine": http.StatusOK,
		"http://127.0.0.1:6060/":                      http.StatusNotFound,
		"http://rebound.example:6060/debug/pprof/":    http.StatusForbidden,
	} {
		w := httptest.NewRecorder()
		node.ProfilesHandler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", target, w.Code, want)
		}
	}
}
