package catalog_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/catalog"
	"github.com/hearthd/hearth/store/jetstream"
	"github.com/hearthd/hearth/store/mem"
)

// onEachDriver runs a test on an empty store of every driver.
func onEachDriver(t *testing.T, test func(t *testing.T, kv store.KV, blobs store.Blobs)) {
	t.Run("mem", func(t *testing.T) {
		kv := mem.NewKV()
		defer kv.Close()
		test(t, kv, mem.NewBlobs())
	})
	t.Run("jetstream", func(t *testing.T) {
		s, err := jetstream.Open(t.Context(), jetstream.Options{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		test(t, s.KV(), s.Blobs())
	})
}

func open(t *testing.T, opts catalog.Options) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Open(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func nameOf(function string) hearth.Name {
	return hearth.Name{Account: "123456789012", Region: "eu-west-1", Function: function}
}

// function returns a complete function, so that a field that does not survive
// the store is seen.
func function(name string) *hearth.Function {
	return &hearth.Function{
		Name: nameOf(name), Version: hearth.Latest, Description: "d", Runtime: "python3.13", Handler: "app.handler",
		Role: "arn:aws:iam::123456789012:role/r", PackageType: hearth.PackageZip,
		Code:    hearth.Code{Digest: strings.Repeat("a", 64), SHA256: "qqo=", Size: 7, ImageURI: "i"},
		Image:   &hearth.ImageConfig{EntryPoint: []string{"/e"}, Command: []string{"c"}, WorkingDirectory: "/w"},
		Timeout: 3, MemorySize: 128, EphemeralStorage: 512, Environment: map[string]string{"K": "v"},
		Architectures: []string{"x86_64"}, Layers: []hearth.Layer{{ARN: "arn:l", Digest: strings.Repeat("b", 64), Size: 9}},
		TracingMode: "PassThrough", Logging: hearth.Logging{Format: hearth.LogJSON, Group: "/aws/lambda/f", ApplicationLevel: "INFO", SystemLevel: "WARN"},
		DeadLetterTarget: "arn:q", KMSKeyArn: "arn:k", VPCSubnets: []string{"s"}, VPCSecurityGroups: []string{"g"},
		SnapStart: "None", TenantIsolation: "PER_TENANT", FileSystems: []hearth.FileSystem{{ARN: "arn:fs", LocalPath: "/mnt/x"}},
		Tags: map[string]string{"team": "a"}, State: hearth.StateActive, StateReason: "r", StateReasonCode: "c",
		Update: hearth.UpdateSuccessful, UpdateReason: "ur", UpdateReasonCode: "uc",
		RevisionID: "4b3d7a52-0000-4000-8000-000000000000", LastModified: time.Date(2026, 11, 21, 1, 2, 3, 456e6, time.UTC),
	}
}

func create(t *testing.T, c *catalog.Catalog, f *hearth.Function) uint64 {
	t.Helper()
	revision, err := c.Create(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return revision
}

func wantKind(t *testing.T, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("error %v, want %v", err, kind)
	}
}

func TestGet_AfterCreate_ReturnsEveryField(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		want := function("f")
		revision := create(t, c, want)
		for _, qualifier := range []string{"", hearth.Latest} {
			got, at, err := c.Get(t.Context(), want.Name, qualifier)
			if err != nil || at != revision {
				t.Fatalf("Get = revision %d, error %v; want %d", at, err, revision)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("function (-want +got):\n%s", diff)
			}
		}
	})
}

func TestGet_EmptyAndAbsentEnvironment_StayApart(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	c := open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
	for name, environment := range map[string]map[string]string{"absent": nil, "empty": {}} {
		f := function(name)
		f.Environment = environment
		create(t, c, f)
		got, _, err := c.Get(t.Context(), f.Name, "")
		if err != nil || (got.Environment == nil) != (environment == nil) {
			t.Errorf("%s environment came back as %#v, error %v", name, got.Environment, err)
		}
	}
}

func TestCreate_ExistingName_IsConflict(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		create(t, c, function("f"))
		_, err := c.Create(t.Context(), function("f"))
		wantKind(t, err, hearth.ErrConflict)
		if want := "Function already exist: f"; err == nil || err.Error() != want {
			t.Errorf("error %v, want %q", err, want)
		}
	})
}

func TestCreate_SameNameElsewhere_IsAnotherFunction(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	c := open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
	create(t, c, function("f"))
	other := function("f")
	other.Name.Region = "us-east-1"
	create(t, c, other)
	if got, err := c.Lookup(other.Name, ""); err != nil || got.Name != other.Name {
		t.Errorf("Lookup = %v, error %v", got, err)
	}
}

func TestCreate_UnusableName_IsInvalid(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	c := open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
	for _, name := range []string{"", "a/b"} {
		_, err := c.Create(t.Context(), function(name))
		wantKind(t, err, hearth.ErrInvalid)
	}
	inPlace := function("f")
	inPlace.Code.Dir = "/home/me/f"
	_, err := c.Create(t.Context(), inPlace)
	wantKind(t, err, hearth.ErrInvalid)
}

func TestUpdate_StaleRevision_IsConflictAndChangesNothing(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		f := function("f")
		stale := create(t, c, f)
		f.MemorySize = 256
		current, err := c.Update(t.Context(), f, stale)
		if err != nil {
			t.Fatal(err)
		}
		f.MemorySize = 512
		_, err = c.Update(t.Context(), f, stale)
		wantKind(t, err, hearth.ErrConflict)
		got, at, err := c.Get(t.Context(), f.Name, "")
		if err != nil || got.MemorySize != 256 || at != current {
			t.Errorf("Get = %d MB at %d, error %v; want 256 at %d", got.MemorySize, at, err, current)
		}
	})
}

func TestUpdate_Concurrent_OneWins(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		revision := create(t, c, function("f"))
		results := make([]error, 8)
		var group sync.WaitGroup
		for i := range results {
			group.Go(func() {
				f := function("f")
				f.MemorySize = 128 + i
				_, results[i] = c.Update(t.Context(), f, revision)
			})
		}
		group.Wait()
		winner := -1
		for i, err := range results {
			switch {
			case err == nil && winner < 0:
				winner = i
			case err == nil:
				t.Errorf("updates %d and %d both won", winner, i)
			default:
				wantKind(t, err, hearth.ErrConflict)
			}
		}
		if f, err := c.Lookup(nameOf("f"), ""); err != nil || f.MemorySize != 128+winner {
			t.Errorf("Lookup = %+v, error %v; update %d won", f, err, winner)
		}
	})
}

func TestMissing_AnyOperation_IsNotFoundInAWSWords(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		const arn = "arn:aws:lambda:eu-west-1:123456789012:function:f"
		_, _, get := c.Get(t.Context(), nameOf("f"), "")
		_, _, version := c.Get(t.Context(), nameOf("f"), "3")
		_, lookup := c.Lookup(nameOf("f"), "")
		_, update := c.Update(t.Context(), function("f"), 1)
		remove := c.Delete(t.Context(), nameOf("f"))
		for _, got := range []struct {
			err  error
			text string
		}{{get, arn}, {version, arn + ":3"}, {lookup, arn + ":$LATEST"}, {update, arn}, {remove, arn}} {
			wantKind(t, got.err, hearth.ErrNotFound)
			if want := "Function not found: " + got.text; got.err == nil || got.err.Error() != want {
				t.Errorf("error %q, want %q", got.err, want)
			}
		}
	})
}

func TestPublish_ThenDelete_TakesVersionsAlong(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		latest := function("f")
		revision := create(t, c, latest)
		neighbour := function("f2")
		create(t, c, neighbour)
		for i := 1; i <= 3; i++ {
			version := *latest
			version.Version = fmt.Sprint(i)
			var err error
			if revision, err = c.Publish(t.Context(), &version, latest, revision); err != nil {
				t.Fatal(err)
			}
			if got, err := c.Lookup(latest.Name, version.Version); err != nil || got.Version != version.Version {
				t.Errorf("Lookup of version %d = %v, error %v", i, got, err)
			}
		}
		if err := c.Delete(t.Context(), latest.Name); err != nil {
			t.Fatal(err)
		}
		for _, qualifier := range []string{"", "1", "3"} {
			_, err := c.Lookup(latest.Name, qualifier)
			wantKind(t, err, hearth.ErrNotFound)
			_, _, err = c.Get(t.Context(), latest.Name, qualifier)
			wantKind(t, err, hearth.ErrNotFound)
		}
		if _, err := c.Lookup(neighbour.Name, ""); err != nil {
			t.Errorf("neighbour is gone: %v", err)
		}
	})
}

func TestPublish_StaleRevision_StoresNoVersion(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		latest := function("f")
		stale := create(t, c, latest)
		if _, err := c.Update(t.Context(), latest, stale); err != nil {
			t.Fatal(err)
		}
		version := *latest
		version.Version = "1"
		_, err := c.Publish(t.Context(), &version, latest, stale)
		wantKind(t, err, hearth.ErrConflict)
		_, _, err = c.Get(t.Context(), latest.Name, "1")
		wantKind(t, err, hearth.ErrNotFound)
	})
}

func TestDelete_MoreVersionsThanOneCommit_RemovesAll(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	c := open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
	latest := function("f")
	revision := create(t, c, latest)
	for i := range 2*store.MaxOps + 3 {
		version := *latest
		version.Version = fmt.Sprint(i + 1)
		var err error
		if revision, err = c.Publish(t.Context(), &version, latest, revision); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Delete(t.Context(), latest.Name); err != nil {
		t.Fatal(err)
	}
	if left, err := kv.List(t.Context(), "", "", 0); err != nil || len(left) != 0 {
		t.Errorf("%d records left, error %v", len(left), err)
	}
}

func TestList_Pages_AreInNameOrderAndSurviveDeletes(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs})
		for _, name := range []string{"d", "a", "c-1", "b", "c", "e"} {
			create(t, c, function(name))
		}
		elsewhere := function("bb")
		elsewhere.Name.Account = "1234567890123"
		create(t, c, elsewhere)

		var pages [][]string
		for marker, first := "", true; first || marker != ""; first = false {
			page, next, err := c.List(t.Context(), "123456789012", "eu-west-1", marker, 2)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, f := range page {
				names = append(names, f.Name.Function)
			}
			pages = append(pages, names)
			if first { // the marker's own function goes away
				if err := c.Delete(t.Context(), nameOf("b")); err != nil {
					t.Fatal(err)
				}
			}
			marker = next
		}
		if diff := cmp.Diff([][]string{{"a", "b"}, {"c", "c-1"}, {"d", "e"}}, pages); diff != "" {
			t.Errorf("pages (-want +got):\n%s", diff)
		}
	})
}

func TestList_ForeignMarker_IsInvalid(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	c := open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
	for _, marker := range []string{"a", "!", "MTo", "Zm9v"} {
		_, _, err := c.List(t.Context(), "123456789012", "eu-west-1", marker, 2)
		wantKind(t, err, hearth.ErrInvalid)
	}
}

func digestOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

func putCode(t *testing.T, c *catalog.Catalog, content string) (release func()) {
	t.Helper()
	release, err := c.PutCode(t.Context(), digestOf(content), bytes.NewReader([]byte(content)))
	if err != nil {
		t.Fatal(err)
	}
	return release
}
