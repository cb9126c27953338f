package catalog

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store/schema"
)

// maxPage is the page size of the lists when the caller names none.
const maxPage = 10_000

// List returns the $LATEST of up to limit functions of an account and region,
// in the order of their names, after those of an earlier page. next is the
// marker of the following page, empty on the last one; it stays good when
// functions come and go. marker is such a value, or empty for the first page;
// hearth.ErrInvalid for anything else. limit 0: 10,000. The other lists have
// markers and limits of the same kind.
func (c *Catalog) List(ctx context.Context, account, region, marker string, limit int) (page []*hearth.Function, next string, err error) {
	after, err := parseMarker(marker)
	if err != nil {
		return nil, "", err
	}
	if strings.Contains(after, "/") { // one of ListAll's
		return nil, "", invalidMarker(marker)
	}
	records, more, err := c.list(ctx, functionsPrefix(account, region), after, limit)
	if err != nil {
		return nil, "", fmt.Errorf("list functions: %w", err)
	}
	for _, r := range records {
		page = append(page, r.function)
	}
	if more {
		next = formatMarker(page[len(page)-1].Name.Function)
	}
	return page, next, nil
}

func functionsPrefix(account, region string) string {
	return latestPrefix + hearth.Name{Account: account, Region: region}.String()
}

// ListAll is List with the published versions of each function after its
// $LATEST, in the order of their numbers.
func (c *Catalog) ListAll(ctx context.Context, account, region, marker string, limit int) (page []*hearth.Function, next string, err error) {
	if limit <= 0 {
		limit = maxPage
	}
	after, err := parseMarker(marker)
	if err != nil {
		return nil, "", err
	}
	function, version, within := strings.Cut(after, "/")
	if within { // that function is not complete yet
		name := hearth.Name{Account: account, Region: region, Function: function}
		if version, err = afterVersion(version); err != nil {
			return nil, "", err
		}
		if page, err = c.versions(ctx, nil, name, version, limit+1); err != nil {
			return nil, "", fmt.Errorf("list functions: %w", err)
		}
	}
	for len(page) <= limit {
		latest, more, err := c.list(ctx, functionsPrefix(account, region), function, 1)
		if err != nil {
			return nil, "", fmt.Errorf("list functions: %w", err)
		}
		if len(latest) == 0 {
			break
		}
		function = latest[0].function.Name.Function
		page = append(page, latest[0].function)
		if page, err = c.versions(ctx, page, latest[0].function.Name, "", limit+1); err != nil {
			return nil, "", fmt.Errorf("list functions: %w", err)
		}
		if !more {
			break
		}
	}
	if len(page) <= limit {
		return page, "", nil
	}
	page = page[:limit]
	last := page[limit-1]
	return page, formatMarker(last.Name.Function + "/" + last.Version), nil
}

// ListVersions returns up to limit versions of a function: $LATEST, then the
// published ones in the order of their numbers. hearth.ErrNotFound when there
// is no such function. Markers and limits are List's.
func (c *Catalog) ListVersions(ctx context.Context, name hearth.Name, marker string, limit int) (page []*hearth.Function, next string, err error) {
	if limit <= 0 {
		limit = maxPage
	}
	after, err := parseMarker(marker)
	if err != nil {
		return nil, "", err
	}
	latest, _, err := c.Get(ctx, name, "")
	switch {
	case errors.Is(err, schema.ErrUnreadable):
		c.logUnlisted(key{name, hearth.Latest}.String(), err)
	case err != nil:
		return nil, "", err
	}
	if after == "" && latest != nil {
		page = append(page, latest)
	}
	if after, err = afterVersion(after); err != nil {
		return nil, "", err
	}
	page, err = c.versions(ctx, page, name, after, limit+1)
	if err != nil {
		return nil, "", fmt.Errorf("list versions of %s: %w", name, err)
	}
	if len(page) > limit {
		page = page[:limit]
		next = formatMarker(page[limit-1].Version)
	}
	return page, next, nil
}

// afterVersion returns what the keys of the published versions after one sort
// after: all of them after $LATEST.
func afterVersion(version string) (string, error) {
	if version == "" || version == hearth.Latest {
		return "", nil
	}
	part, ok := versionPart(version)
	if !ok {
		return "", invalidMarker(formatMarker(version))
	}
	return part, nil
}

// versions appends published versions to a page until it has size entries.
func (c *Catalog) versions(ctx context.Context, page []*hearth.Function, name hearth.Name, after string, size int) ([]*hearth.Function, error) {
	if len(page) >= size {
		return page, nil
	}
	records, _, err := c.list(ctx, versionPrefix+name.String()+"/", after, size-len(page))
	for _, r := range records {
		page = append(page, r.function)
	}
	return page, err
}

// ListAliases returns up to limit aliases of a function in the order of their
// names; of those that point to a version, unless that is empty.
// hearth.ErrNotFound when there is no such function. Markers and limits are
// List's.
func (c *Catalog) ListAliases(ctx context.Context, name hearth.Name, version, marker string, limit int) (page []*hearth.Alias, next string, err error) {
	if limit <= 0 {
		limit = maxPage
	}
	after, err := parseMarker(marker)
	if err != nil {
		return nil, "", err
	}
	if _, _, err := c.Get(ctx, name, ""); err != nil && !errors.Is(err, schema.ErrUnreadable) {
		return nil, "", err
	}
	records, more, err := c.list(ctx, aliasPrefix+name.String()+"/", after, 0)
	if err != nil {
		return nil, "", fmt.Errorf("list aliases of %s: %w", name, err)
	}
	for _, r := range records {
		if version != "" && !r.alias.PointsTo(version) {
			continue
		}
		if len(page) == limit {
			return page, formatMarker(page[limit-1].Name), nil
		}
		page = append(page, r.alias)
	}
	if more {
		next = formatMarker(records[len(records)-1].alias.Name)
	}
	return page, next, nil
}

// list reads up to limit records (0: maxPage) under a prefix, after the one
// with a last part of its key unless that is empty, and says whether there are
// more. Those that cannot be read are left out and logged.
func (c *Catalog) list(ctx context.Context, prefix, after string, limit int) (records []*record, more bool, err error) {
	if limit <= 0 {
		limit = maxPage
	}
	if after != "" {
		after = prefix + after
	}
	for {
		stored, err := c.kv.List(ctx, prefix, after, limit+1)
		if err != nil {
			return nil, false, err
		}
		for _, s := range stored {
			r, err := c.forms.decodeRecord(s)
			if err != nil {
				c.logUnlisted(s.Key, err)
				continue
			}
			records = append(records, r)
		}
		switch {
		case len(records) > limit:
			return records[:limit], true, nil
		case len(stored) <= limit:
			return records, false, nil
		}
		after = stored[limit].Key
	}
}

func (c *Catalog) logUnlisted(key string, err error) {
	c.logger.Error("a list leaves out a record that cannot be read", "key", key, "error", err)
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
		return "", invalidMarker(marker)
	}
	return name, nil
}

func invalidMarker(marker string) error {
	return hearth.Errorf(hearth.ErrInvalid, "Invalid marker: %s", marker)
}
