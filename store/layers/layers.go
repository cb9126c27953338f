// Package layers keeps layer versions, as records of a records.Set: what was
// published, and the number that each layer's last version had, so that a
// number is never used again.
//
//	layer-number/<account>/<region>/<layer>             the last number
//	layer-version/<account>/<region>/<layer>/<number>   ten digits
//
// The content is in the blob store. Digests says what is in use here; functions
// that refer to a deleted version keep its content in use on their own.
package layers

import (
	"context"
	"encoding/base64"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store/records"
	"github.com/hearthd/hearth/store/schema"
)

// Store is the layer versions of a set. Methods may be called from several
// goroutines.
type Store struct {
	numbers  *records.Collection[schema.LayerNumber]
	versions *records.Collection[hearth.LayerVersion]
}

// New adds layers to a set that is not open yet.
func New(set *records.Set) *Store {
	return &Store{
		numbers:  records.Of[schema.LayerNumber](set, hearth.KindLayerNumber),
		versions: records.Of[hearth.LayerVersion](set, hearth.KindLayerVersion),
	}
}

func layerKey(name hearth.LayerName) string {
	return records.Key(name.Account, name.Region, name.Layer)
}

func versionKey(name hearth.LayerName, version int64) string {
	return layerKey(name) + "/" + fmt.Sprintf("%010d", version)
}

// maxVersion keeps the keys in the order of the numbers.
const maxVersion = 9_999_999_999

// Publish gives a version the layer's next number and stores it.
func (s *Store) Publish(ctx context.Context, v *hearth.LayerVersion) error {
	last, err := s.numbers.Modify(ctx, layerKey(v.Layer), func(n *schema.LayerNumber, _ bool) error {
		n.Last++
		return nil
	})
	if err != nil {
		return fmt.Errorf("number a version of %s: %w", v.Layer.ARN(), err)
	}
	v.Version = last.Last
	if err := s.versions.Create(ctx, versionKey(v.Layer, v.Version), v); err != nil {
		return fmt.Errorf("publish %s: %w", v.ARN(), err)
	}
	return nil
}

// Get reads a version from the store; hearth.ErrNotFound. The caller owns it.
func (s *Store) Get(ctx context.Context, name hearth.LayerName, version int64) (*hearth.LayerVersion, error) {
	if version < 1 || version > maxVersion {
		return nil, fmt.Errorf("get %s: %w", name.VersionARN(version), hearth.ErrNotFound)
	}
	v, err := s.versions.Get(ctx, versionKey(name, version))
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", name.VersionARN(version), err)
	}
	return v, nil
}

// Delete removes a version; hearth.ErrNotFound when there is none.
func (s *Store) Delete(ctx context.Context, name hearth.LayerName, version int64) error {
	if version < 1 || version > maxVersion {
		return fmt.Errorf("delete %s: %w", name.VersionARN(version), hearth.ErrNotFound)
	}
	if _, err := s.versions.Delete(ctx, versionKey(name, version), nil); err != nil {
		return fmt.Errorf("delete %s: %w", name.VersionARN(version), err)
	}
	return nil
}

// Latest returns the newest matching version of each layer of an account and
// region, in the order of the layers' names, and the marker of the next page.
// hearth.ErrInvalid for a marker that is none.
func (s *Store) Latest(ctx context.Context, account, region string, q hearth.LayerQuery) (page []*hearth.LayerVersion, next string, err error) {
	after, err := parseMarker(q.Marker)
	if err != nil {
		return nil, "", err
	}
	all, err := s.list(ctx, records.Key(account, region)+"/", q)
	if err != nil {
		return nil, "", fmt.Errorf("list layers: %w", err)
	}
	newest := map[string]*hearth.LayerVersion{}
	for _, v := range all { // the newest of each layer comes last
		newest[v.Layer.Layer] = v
	}
	for _, v := range newest {
		if v.Layer.Layer > after {
			page = append(page, v)
		}
	}
	slices.SortFunc(page, func(a, b *hearth.LayerVersion) int { return strings.Compare(a.Layer.Layer, b.Layer.Layer) })
	if q.Limit > 0 && len(page) > q.Limit {
		page = page[:q.Limit]
		next = formatMarker(page[q.Limit-1].Layer.Layer)
	}
	return page, next, nil
}

// Versions returns the matching versions of a layer, the newest first, and the
// marker of the next page. A layer that does not exist has none.
func (s *Store) Versions(ctx context.Context, name hearth.LayerName, q hearth.LayerQuery) (page []*hearth.LayerVersion, next string, err error) {
	marker, err := parseMarker(q.Marker)
	if err != nil {
		return nil, "", err
	}
	before := int64(math.MaxInt64)
	if marker != "" {
		if _, err := fmt.Sscan(marker, &before); err != nil || before < 1 {
			return nil, "", invalidMarker(q.Marker)
		}
	}
	all, err := s.list(ctx, layerKey(name)+"/", q)
	if err != nil {
		return nil, "", fmt.Errorf("list versions of %s: %w", name.ARN(), err)
	}
	for _, v := range slices.Backward(all) {
		if v.Version < before {
			page = append(page, v)
		}
	}
	if q.Limit > 0 && len(page) > q.Limit {
		page = page[:q.Limit]
		next = formatMarker(fmt.Sprint(page[q.Limit-1].Version))
	}
	return page, next, nil
}

// list returns the matching versions under a prefix in the order of their keys.
func (s *Store) list(ctx context.Context, prefix string, q hearth.LayerQuery) ([]*hearth.LayerVersion, error) {
	items, _, err := s.versions.List(ctx, prefix, "", 0)
	if err != nil {
		return nil, err
	}
	var found []*hearth.LayerVersion
	for _, item := range items {
		if q.Matches(item.Value) {
			found = append(found, item.Value)
		}
	}
	return found, nil
}

// Digests returns the digests of the contents of all versions. A version that
// cannot be read is an error: what it refers to is not known.
func (s *Store) Digests(ctx context.Context) ([]string, error) {
	all, err := s.versions.ListStrict(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("list contents of layers: %w", err)
	}
	digests := make([]string, len(all))
	for i, v := range all {
		digests[i] = v.Value.Code.Digest
	}
	return digests, nil
}

// Bytes returns how many bytes the contents of an account's and region's
// versions have together, from memory.
func (s *Store) Bytes(account, region string) int64 {
	var sum int64
	for _, item := range s.versions.All(records.Key(account, region) + "/") {
		sum += item.Value.Code.Size
	}
	return sum
}

// A marker is the last name or number of the page before, encoded so that
// nobody builds on its form.
const markerPrefix = "l:"

func formatMarker(last string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(markerPrefix + last))
}

func parseMarker(marker string) (string, error) {
	if marker == "" {
		return "", nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(marker)
	last, ok := strings.CutPrefix(string(raw), markerPrefix)
	if err != nil || !ok || last == "" {
		return "", invalidMarker(marker)
	}
	return last, nil
}

func invalidMarker(marker string) error {
	return hearth.Errorf(hearth.ErrInvalid, "Invalid marker: %s", marker)
}
