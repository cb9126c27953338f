// Package listing words the answers of list operations: pages of items, with a
// marker for the next page. What a marker is, is the business of whoever keeps
// the items.
package listing

import (
	"cmp"
	"sort"

	"github.com/hearthd/hearth/api"
)

// MaxPage is how many items AWS puts into a page at most, whatever MaxItems
// says. A few operations have another number.
const MaxPage = 50

// Limit is how many items a page has at most: as many as a request asks for, and
// no more than MaxPage.
func Limit(maxItems *int) int { return LimitOf(maxItems, MaxPage) }

// LimitOf is Limit for operations whose pages have another maximum.
func LimitOf(maxItems *int, maximum int) int {
	return min(cmp.Or(api.Value(maxItems), maximum), maximum)
}

// Items shows each item of a page. It returns a list in any case: an empty one
// is part of the answer.
func Items[T, U any](page []T, show func(T) *U) []U {
	shown := make([]U, len(page))
	for i, item := range page {
		shown[i] = *show(item)
	}
	return shown
}

// Page cuts up to limit items out of a list that is sorted by their keys: those
// after a marker, which is the key of an item, there or not. next is the marker
// of the following page, nil on the last one.
func Page[T any](sorted []T, key func(T) string, marker *string, limit int) (page []T, next *string) {
	if marker != nil {
		sorted = sorted[sort.Search(len(sorted), func(i int) bool { return key(sorted[i]) > *marker }):]
	}
	if len(sorted) <= limit {
		return sorted, nil
	}
	return sorted[:limit], api.Ptr(key(sorted[limit-1]))
}
