package catalog_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/catalog"
	"github.com/hearthd/hearth/store/mem"
)

func wantSwept(t *testing.T, c *catalog.Catalog, want int) {
	t.Helper()
	if removed, err := c.Sweep(t.Context()); err != nil || removed != want {
		t.Errorf("Sweep removed %d, error %v; want %d", removed, err, want)
	}
}

func TestSweep_UnreferencedCode_IsRemoved(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs, Grace: -1})
		for _, content := range []string{"latest", "version", "layer", "unused", "replaced"} {
			putCode(t, c, content)()
		}
		f := function("f")
		f.Code.Digest, f.Layers[0].Digest = digestOf("replaced"), digestOf("layer")
		revision := create(t, c, f)
		version := *f
		version.Version, version.Code.Digest = "1", digestOf("version")
		f.Code.Digest = digestOf("latest")
		if _, err := c.Publish(t.Context(), &version, f, revision); err != nil {
			t.Fatal(err)
		}
		wantSwept(t, c, 2)
		for _, content := range []string{"latest", "version", "layer"} {
			r, err := c.OpenCode(t.Context(), digestOf(content))
			if err != nil {
				t.Fatalf("code of %s: %v", content, err)
			}
			got, err := io.ReadAll(r)
			if err := errors.Join(err, r.Close()); err != nil || string(got) != content {
				t.Errorf("code of %s is %q, error %v", content, got, err)
			}
		}
		wantSwept(t, c, 0)
	})
}

func TestSweep_HeldCode_StaysUntilReleased(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		c := open(t, catalog.Options{KV: kv, Blobs: blobs, Grace: -1})
		release, again := putCode(t, c, "code"), putCode(t, c, "code")
		release()
		release() // counts once
		wantSwept(t, c, 0)
		again()
		wantSwept(t, c, 1)
	})
}

func TestSweep_RecentCode_IsLeftToOtherNodes(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	c := open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs()})
	putCode(t, c, "code")()
	wantSwept(t, c, 0)
}

// putDuringSweep puts a blob again between Sweep's listing and its deletes, as
// another node would.
type putDuringSweep struct {
	store.KV
	put func()
}

func (kv putDuringSweep) List(ctx context.Context, prefix, after string, limit int) ([]store.Record, error) {
	records, err := kv.KV.List(ctx, prefix, after, limit)
	kv.put()
	return records, err
}

func TestSweep_CodePutAgainMeanwhile_Stays(t *testing.T) {
	onEachDriver(t, func(t *testing.T, kv store.KV, blobs store.Blobs) {
		other := open(t, catalog.Options{KV: kv, Blobs: blobs})
		c := open(t, catalog.Options{KV: putDuringSweep{kv, func() { putCode(t, other, "code")() }}, Blobs: blobs, Grace: -1})
		putCode(t, other, "code")()
		wantSwept(t, c, 0)
		if _, err := blobs.Stat(t.Context(), digestOf("code")); err != nil {
			t.Errorf("code that another node is about to refer to: %v", err)
		}
	})
}

// references makes a func catalog.References.
type references func() ([]string, error)

func (r references) Digests(context.Context) ([]string, error) { return r() }

func TestSweep_CodeOfOtherReferences_Stays(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	blobs := mem.NewBlobs()
	c := open(t, catalog.Options{KV: kv, Blobs: blobs, Grace: -1, References: references(func() ([]string, error) {
		return []string{digestOf("layer")}, nil
	})})
	putCode(t, c, "layer")()
	putCode(t, c, "unused")()
	wantSwept(t, c, 1)
	if _, err := blobs.Stat(t.Context(), digestOf("layer")); err != nil {
		t.Errorf("content of a layer: %v", err)
	}
}

func TestSweep_ReferencesThatCannotBeRead_RemovesNothing(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	lost := errors.New("lost")
	c := open(t, catalog.Options{KV: kv, Blobs: mem.NewBlobs(), Grace: -1, References: references(func() ([]string, error) { return nil, lost })})
	putCode(t, c, "code")()
	if removed, err := c.Sweep(t.Context()); removed != 0 || !errors.Is(err, lost) {
		t.Errorf("removed %d, error %v", removed, err)
	}
}

// A function takes over the content of a layer that is deleted between the two
// times that Sweep asks for layers.
func TestSweep_ContentTakenOverMeanwhile_Stays(t *testing.T) {
	kv := mem.NewKV()
	defer kv.Close()
	blobs := mem.NewBlobs()
	var c *catalog.Catalog
	asked := 0
	c = open(t, catalog.Options{KV: kv, Blobs: blobs, Grace: -1, References: references(func() ([]string, error) {
		if asked++; asked > 1 {
			return nil, nil // deleted
		}
		return []string{digestOf("layer")}, nil
	})})
	putCode(t, c, "layer")()
	wantSwept(t, c, 0)
	release := c.HoldCode(digestOf("layer"))
	wantSwept(t, c, 0)
	release()
	wantSwept(t, c, 1)
}
