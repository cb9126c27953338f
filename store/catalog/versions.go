package catalog

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store"
)

// Publish stores a new version of a function, and its $LATEST that is still at
// a revision, both or neither. $LATEST.PUBLISHED replaces the one there was, if
// any, unless that cannot be read. At revision 0 it creates the function with its
// first version. It returns $LATEST's new revision. Errors are those of Update,
// or of Create; also hearth.ErrConflict when the version exists.
func (c *Catalog) Publish(ctx context.Context, version, latest *hearth.Function, revision uint64) (uint64, error) {
	if version.Name != latest.Name || version.Version == hearth.Latest || latest.Version != hearth.Latest {
		return 0, fmt.Errorf("publish %s version %q beside %s version %q: %w",
			version.Name, version.Version, latest.Name, latest.Version, hearth.ErrInvalid)
	}
	versionRecord, latestRecord := functionRecord(version), functionRecord(latest)
	versionValue, err := c.forms.encode(versionRecord)
	if err != nil {
		return 0, err
	}
	latestValue, err := c.forms.encode(latestRecord)
	if err != nil {
		return 0, err
	}
	kind, versionKind := store.OpUpdate, store.OpCreate
	if revision == 0 {
		kind = store.OpCreate
	}
	if version.Version == hearth.LatestPublished {
		if _, err := c.mirror.Find(versionRecord.key()); err != nil {
			return 0, err
		}
		versionKind = store.OpPut
	}
	revisions, err := c.kv.Commit(ctx, []store.Op{
		{Kind: versionKind, Key: versionRecord.key().String(), Value: versionValue},
		{Kind: kind, Key: latestRecord.key().String(), Value: latestValue, Revision: revision},
	})
	switch {
	case err == nil:
	case revision == 0 && errors.Is(err, hearth.ErrConflict):
		return 0, alreadyExists(latest.Name)
	default:
		return 0, changed(latest.Name, err)
	}
	c.wrote(versionRecord, revisions[0])
	c.wrote(latestRecord, revisions[1])
	return revisions[1], nil
}

// DeleteVersion removes a published version, whether it can be read or not;
// hearth.ErrNotFound when there is none, hearth.ErrConflict when aliases point to
// it, or may do so and cannot be read.
func (c *Catalog) DeleteVersion(ctx context.Context, name hearth.Name, version string) error {
	if version == hearth.Latest || version == "" {
		return fmt.Errorf("delete %s of %s alone: %w", hearth.Latest, name, hearth.ErrInvalid)
	}
	k := key{name, version}
	err := retry(func() error {
		stored, err := c.stored(ctx, k)
		if err != nil {
			return err
		}
		if err := c.checkUnused(ctx, name, version); err != nil {
			return err
		}
		return c.deleteRecords(ctx, []store.Record{stored})
	})
	switch {
	case err == nil, isCallers(err):
		return err
	case errors.Is(err, hearth.ErrNotFound): // since it was read
		return notFound(name, version)
	case errors.Is(err, hearth.ErrPrecondition):
		return changed(name, err)
	}
	return fmt.Errorf("delete version %s of %s: %w", version, name, err)
}

// checkUnused returns AWS's refusal to delete a version that aliases point to.
func (c *Catalog) checkUnused(ctx context.Context, name hearth.Name, version string) error {
	stored, err := c.kv.List(ctx, aliasPrefix+name.String()+"/", "", 0)
	if err != nil {
		return err
	}
	var names []string
	for _, s := range stored {
		switch r, err := c.forms.decodeRecord(s); {
		case err != nil:
			return hearth.Errorf(hearth.ErrConflict,
				"Unable to delete version because the stored form of the alias %s cannot be read by this version of hearth, and may reference it. Delete the alias first.",
				s.Key[len(aliasPrefix+name.String()+"/"):])
		case r.alias.PointsTo(version):
			names = append(names, r.alias.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return hearth.Errorf(hearth.ErrConflict,
		"Unable to delete version because the following aliases reference it: [%s]", strings.Join(names, ", "))
}
