package catalog_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store/catalog"
	"github.com/hearthd/hearth/store/mem"
)

var update = flag.Bool("update", false, "rewrite testdata")

// The stored form is kept by this file: when a field of hearth.Function is
// renamed, functions of existing installations must still be read. New fields
// leave it as it is; -update is for the next schema.
func TestRecord_OfSchema1_IsRead(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	path := filepath.Join("testdata", "function-schema1.json")
	const key = "fn/latest/123456789012/eu-west-1/f"
	c := open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
	if *update {
		create(t, c, function("f"))
		written, err := kv.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, written.Value, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Put(t.Context(), key, golden); err != nil {
		t.Fatal(err)
	}
	got, _, err := c.Get(t.Context(), nameOf("f"), "")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(function("f"), got); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
}

// As above, for aliases.
func TestRecord_AliasOfSchema1_IsRead(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	path := filepath.Join("testdata", "alias-schema1.json")
	const key = "fn/alias/123456789012/eu-west-1/f/live"
	want := alias("live", "1")
	want.Additional, want.AdditionalWeight = "2", 0.25
	c := open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
	if *update {
		publish(t, c, "f", 2)
		createAlias(t, c, want)
		written, err := kv.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, written.Value, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kv.Put(t.Context(), key, golden); err != nil {
		t.Fatal(err)
	}
	got, err := c.GetAlias(t.Context(), nameOf("f"), "live")
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v, read (-want +got):\n%s", err, diff)
	}
}

func TestRecord_OfNewerSchema_IsAnErrorNotAFunction(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	if _, err := kv.Put(t.Context(), "fn/latest/123456789012/eu-west-1/f", []byte(`{"Schema":2,"Function":{}}`)); err != nil {
		t.Fatal(err)
	}
	c := open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs(), Grace: -1})
	if _, _, err := c.Get(t.Context(), nameOf("f"), ""); err == nil || errors.Is(err, hearth.ErrNotFound) {
		t.Errorf("Get: error %v", err)
	}
	putCode(t, c, "perhaps referred to")()
	if removed, err := c.Sweep(t.Context()); err == nil || removed != 0 {
		t.Errorf("Sweep removed %d, error %v, with a record that it cannot read", removed, err)
	}
}
