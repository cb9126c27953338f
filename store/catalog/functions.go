package catalog

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
)

// deleteAttempts is how often Delete starts over when the function changes
// under it.
const deleteAttempts = 8

// maxPage is the page size of List when the caller names none.
const maxPage = 10_000

// Create stores a new function, whose Version must be $LATEST, and returns its
// revision. hearth.ErrConflict when the name is taken.
func (c *Catalog) Create(ctx context.Context, f *hearth.Function) (revision uint64, err error) {
	if f.Version != hearth.Latest {
		return 0, fmt.Errorf("create %s as version %q: %w", f.Name, f.Version, hearth.ErrInvalid)
	}
	value, err := encode(f)
	if err != nil {
		return 0, err
	}
	revision, err = c.kv.Create(ctx, keyOf(f).String(), value)
	if errors.Is(err, hearth.ErrConflict) {
		return 0, hearth.Errorf(hearth.ErrConflict, "Function already exist: %s", f.Name.Function)
	}
	if err != nil {
		return 0, fmt.Errorf("create function %s: %w", f.Name, err)
	}
	c.wrote(keyOf(f), f, revision)
	return revision, nil
}

// Get reads a function's version from the store: the latest for "" and
// $LATEST. revision is what Update and Publish compare on.
func (c *Catalog) Get(ctx context.Context, name hearth.Name, qualifier string) (f *hearth.Function, revision uint64, err error) {
	k := key{name, qualifier}
	if qualifier == "" {
		k.version = hearth.Latest
	}
	if err := k.check(); err != nil {
		return nil, 0, err
	}
	r, err := c.kv.Get(ctx, k.String())
	if errors.Is(err, hearth.ErrNotFound) {
		return nil, 0, notFound(name, qualifier)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("get function %s: %w", name, err)
	}
	f, err = decode(r.Value, k)
	return f, r.Revision, err
}

// Update replaces a version of a function that is still at a revision, and
// returns its new one. hearth.ErrConflict when it was changed since,
// hearth.ErrNotFound when it was deleted.
func (c *Catalog) Update(ctx context.Context, f *hearth.Function, revision uint64) (uint64, error) {
	value, err := encode(f)
	if err != nil {
		return 0, err
	}
	next, err := c.kv.Update(ctx, keyOf(f).String(), value, revision)
	if err != nil {
		return 0, changed(f.Name, err)
	}
	c.wrote(keyOf(f), f, next)
	return next, nil
}

// Publish stores a new version of a function, and its $LATEST that is still at
// a revision, both or neither. It returns $LATEST's new revision. Errors are
// those of Update; also hearth.ErrConflict when the version exists.
func (c *Catalog) Publish(ctx context.Context, version, latest *hearth.Function, revision uint64) (uint64, error) {
	if version.Name != latest.Name || version.Version == hearth.Latest || latest.Version != hearth.Latest {
		return 0, fmt.Errorf("publish %s version %q beside %s version %q: %w",
			version.Name, version.Version, latest.Name, latest.Version, hearth.ErrInvalid)
	}
	versionValue, err := encode(version)
	if err != nil {
		return 0, err
	}
	latestValue, err := encode(latest)
	if err != nil {
		return 0, err
	}
	revisions, err := c.kv.Commit(ctx, []store.Op{
		{Kind: store.OpCreate, Key: keyOf(version).String(), Value: versionValue},
		{Kind: store.OpUpdate, Key: keyOf(latest).String(), Value: latestValue, Revision: revision},
	})
	if err != nil {
		return 0, changed(latest.Name, err)
	}
	c.wrote(keyOf(version), version, revisions[0])
	c.wrote(keyOf(latest), latest, revisions[1])
	return revisions[1], nil
}

// changed is the error of a conditional write in AWS's words.
func changed(name hearth.Name, err error) error {
	switch {
	case errors.Is(err, hearth.ErrNotFound):
		return notFound(name, "")
	case errors.Is(err, hearth.ErrPrecondition), errors.Is(err, hearth.ErrConflict):
		return hearth.Errorf(hearth.ErrConflict, "The function could not be updated due to a concurrent update operation.")
	}
	return fmt.Errorf("update function %s: %w", name, err)
}

// Delete removes a function with all its versions; hearth.ErrNotFound. Its code
// stays until a Sweep.
func (c *Catalog) Delete(ctx context.Context, name hearth.Name) error {
	latest := key{name, hearth.Latest}
	if err := latest.check(); err != nil {
		return err
	}
	var err error
	for range deleteAttempts {
		if err = c.tryDelete(ctx, latest); !errors.Is(err, hearth.ErrPrecondition) {
			break
		}
	}
	switch {
	case err == nil:
		return nil
	case errors.Is(err, hearth.ErrNotFound):
		return notFound(name, "")
	case errors.Is(err, hearth.ErrPrecondition):
		return changed(name, err)
	}
	return fmt.Errorf("delete function %s: %w", name, err)
}

// tryDelete removes what it finds of a function. $LATEST goes with the last
// commit: until then the function is there, and Delete can be repeated.
func (c *Catalog) tryDelete(ctx context.Context, latest key) error {
	found, err := c.kv.Get(ctx, latest.String())
	if err != nil {
		return err
	}
	records, err := c.kv.List(ctx, versionPrefix+latest.name.String()+"/", "", 0)
	if err != nil {
		return err
	}
	for records = append(records, found); len(records) > 0; {
		n := min(len(records), store.MaxOps)
		if err := c.deleteRecords(ctx, records[:n]); err != nil {
			return err
		}
		records = records[n:]
	}
	return nil
}

func (c *Catalog) deleteRecords(ctx context.Context, records []store.Record) error {
	ops := make([]store.Op, len(records))
	keys := make([]key, len(records))
	for i, r := range records {
		ops[i] = store.Op{Kind: store.OpDelete, Key: r.Key, Revision: r.Revision}
		var err error
		if keys[i], err = parseKey(r.Key); err != nil {
			return err
		}
	}
	revisions, err := c.kv.Commit(ctx, ops)
	if err != nil {
		return err
	}
	for i, k := range keys {
		c.wrote(k, nil, revisions[i])
	}
	return nil
}

// List returns the $LATEST of up to limit functions of an account and region,
// in the order of their names, after those of an earlier page. next is the
// marker of the following page, empty on the last one; it stays good when
// functions come and go. marker is such a value, or empty for the first page;
// hearth.ErrInvalid for anything else. limit 0: 10,000.
func (c *Catalog) List(ctx context.Context, account, region, marker string, limit int) (page []*hearth.Function, next string, err error) {
	name := hearth.Name{Account: account, Region: region}
	prefix := latestPrefix + name.String()
	after, err := parseMarker(marker)
	if err != nil {
		return nil, "", err
	}
	if after != "" {
		after = prefix + after
	}
	if limit <= 0 {
		limit = maxPage
	}
	records, err := c.kv.List(ctx, prefix, after, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list functions: %w", err)
	}
	more := len(records) > limit
	if more {
		records = records[:limit]
	}
	for _, r := range records {
		k, err := parseKey(r.Key)
		if err != nil {
			return nil, "", fmt.Errorf("list functions: %w", err)
		}
		f, err := decode(r.Value, k)
		if err != nil {
			return nil, "", fmt.Errorf("list functions: %w", err)
		}
		page = append(page, f)
	}
	if more {
		next = formatMarker(page[limit-1].Name.Function)
	}
	return page, next, nil
}

// A marker is the last name of the page before, encoded so that nobody builds
// on its form.
const markerPrefix = "1:"

func formatMarker(name string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(markerPrefix + name))
}

func parseMarker(marker string) (name string, err error) {
	if marker == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(marker)
	name, ok := strings.CutPrefix(string(raw), markerPrefix)
	if err != nil || !ok || name == "" {
		return "", hearth.Errorf(hearth.ErrInvalid, "Invalid marker: %s", marker)
	}
	return name, nil
}
