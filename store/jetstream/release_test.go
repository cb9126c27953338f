package jetstream_test

import (
	"context"
	"errors"
	"flag"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store/catalog"
	"github.com/hearthd/hearth/store/jetstream"
	"github.com/hearthd/hearth/store/layers"
	"github.com/hearthd/hearth/store/records"
	"github.com/hearthd/hearth/store/schema"
)

// release names a data directory that this binary is to write: the one of the
// release that is about to be made.
//
//	go test ./store/jetstream -run TestRelease -release v2
//
// Before, releases gets a row of that name, with a content of its own if there are
// new fields or kinds. A data directory that was released is never written again.
var release = flag.String("release", "", "write testdata/releases/<this>.tar.gz, which must not exist")

// releases are the data directories of earlier releases, and what is in them.
func releases() map[string]content {
	return map[string]content{"v1": contentOfV1()}
}

func archiveOf(release string) string {
	return filepath.Join("testdata", "releases", release+".tar.gz")
}

// kept is one record of a collection.
type kept struct {
	kind  hearth.Kind
	write func(ctx context.Context) error
	check func(t *testing.T)
}

// keep adds a collection to a set that is not open yet, for one record of it.
func keep[T any](set *records.Set, kind hearth.Kind, key string, want *T) kept {
	c := records.Of[T](set, kind)
	return kept{
		kind:  kind,
		write: func(ctx context.Context) error { return c.Put(ctx, key, want) },
		check: func(t *testing.T) {
			t.Helper()
			got, err := c.Get(t.Context(), key)
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("%s in the store: error %v (-want +got):\n%s", kind, err, diff)
			}
			if diff := cmp.Diff(want, c.Lookup(key)); diff != "" {
				t.Errorf("%s in memory (-want +got):\n%s", kind, diff)
			}
		},
	}
}

// opened is a data directory with all that reads it.
type opened struct {
	*testing.T
	store   *jetstream.Store
	catalog *catalog.Catalog
	layers  *layers.Store
	rest    []kept
}

func openRelease(t *testing.T, dir string, c content) opened {
	t.Helper()
	s, err := jetstream.Open(t.Context(), jetstream.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	functions, err := catalog.Open(t.Context(), catalog.Options{KV: s.KV(), Blobs: s.Blobs()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(functions.Close)
	set := records.New(s.KV(), nil, nil)
	o := opened{T: t, store: s, catalog: functions, layers: layers.New(set), rest: c.rest(set)}
	if err := set.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(set.Close)
	return o
}

func (o opened) must(err error) {
	o.Helper()
	if err != nil {
		o.Fatal(err)
	}
}

func (o opened) write(c content) {
	o.Helper()
	first := *c.latest
	first.LastPublished = 0
	revision, err := o.catalog.Create(o.Context(), &first)
	o.must(err)
	for _, version := range c.versions {
		revision, err = o.catalog.Publish(o.Context(), version, c.latest, revision)
		o.must(err)
	}
	for _, a := range c.aliases {
		o.must(o.catalog.CreateAlias(o.Context(), a))
	}
	for _, l := range c.layers {
		published := *l
		o.must(o.layers.Publish(o.Context(), &published))
	}
	o.must(o.layers.Delete(o.Context(), c.layers[0].Layer, c.layers[0].Version))
	for _, r := range o.rest {
		o.must(r.write(o.Context()))
	}
}

func (o opened) check(c content) {
	o.Helper()
	for _, want := range append([]*hearth.Function{c.latest}, c.versions...) {
		got, _, err := o.catalog.Get(o.Context(), want.Name, want.Version)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			o.Errorf("version %s in the store: error %v (-want +got):\n%s", want.Version, err, diff)
		}
		if got, err = o.catalog.Lookup(want.Name, want.Version); err != nil || !cmp.Equal(want, got) {
			o.Errorf("version %s in memory: %+v, error %v", want.Version, got, err)
		}
	}
	got, _, err := o.catalog.ListAliases(o.Context(), c.latest.Name, "", "", 0)
	if diff := cmp.Diff(c.aliases, got); err != nil || diff != "" {
		o.Errorf("aliases: error %v (-want +got):\n%s", err, diff)
	}
	for i, want := range c.layers {
		got, err := o.layers.Get(o.Context(), want.Layer, want.Version)
		if i == 0 {
			if !errors.Is(err, hearth.ErrNotFound) {
				o.Errorf("the layer version that was deleted: error %v", err)
			}
		} else if diff := cmp.Diff(want, got); err != nil || diff != "" {
			o.Errorf("layer version %d: error %v (-want +got):\n%s", want.Version, err, diff)
		}
	}
	for _, r := range o.rest {
		r.check(o.T)
	}
}

// writeRelease makes the archive of a release.
func writeRelease(t *testing.T, name string, c content) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	o := openRelease(t, dir, c)
	o.write(c)
	o.must(o.store.Close())
	o.must(pack(dir, archiveOf(name)))
}

func TestRelease_DataDirectory_IsRead(t *testing.T) {
	for name, c := range releases() {
		t.Run(name, func(t *testing.T) {
			if *release == name {
				writeRelease(t, name, c)
			}
			dir := filepath.Join(t.TempDir(), "store")
			if err := unpack(archiveOf(name), dir); err != nil {
				t.Fatal(err)
			}
			o := openRelease(t, dir, c)
			o.check(c)

			// And it goes on: the numbers of layers, and what is written again.
			next := *c.layers[1]
			o.must(o.layers.Publish(o.Context(), &next))
			if next.Version != c.layers[1].Version+1 {
				t.Errorf("the next layer version is %d", next.Version)
			}
			for _, r := range o.rest {
				o.must(r.write(o.Context()))
			}
			_, err := o.catalog.Modify(o.Context(), c.latest.Name, "", func(*hearth.Function) error { return nil })
			o.must(err)
			o.check(c)
		})
	}
}

func TestRelease_Contents_HaveEveryKind(t *testing.T) {
	have := map[hearth.Kind]bool{ // what all have
		hearth.KindFunction: true, hearth.KindAlias: true, hearth.KindLayerNumber: true, hearth.KindLayerVersion: true,
	}
	for _, c := range releases() {
		for _, r := range c.rest(records.New(nil, nil, nil)) {
			have[r.kind] = true
		}
	}
	for _, k := range schema.Kinds() {
		if !have[k.Name] {
			t.Errorf("no release has a record of kind %s: the next one must", k.Name)
		}
	}
}
