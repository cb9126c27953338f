package listing_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/listing"
)

func TestLimit_IsWhatIsAskedForUpToTheMaximum(t *testing.T) {
	for _, c := range []struct {
		asked *int
		want  int
	}{{nil, 50}, {api.Ptr(1), 1}, {api.Ptr(50), 50}, {api.Ptr(10000), 50}} {
		if got := listing.Limit(c.asked); got != c.want {
			t.Errorf("of %d: %d, want %d", api.Value(c.asked), got, c.want)
		}
	}
	if got := listing.LimitOf(api.Ptr(80), 100); got != 80 {
		t.Errorf("of 80, up to 100: %d", got)
	}
}

func TestItems_OfNothing_IsAnEmptyList(t *testing.T) {
	if got := listing.Items(nil, func(s string) *string { return &s }); got == nil || len(got) != 0 {
		t.Errorf("got %#v", got)
	}
}

func TestPage_FollowsItsMarkers(t *testing.T) {
	sorted := []string{"a", "b", "c", "d", "e"}
	key := func(s string) string { return s }
	var pages [][]string
	for marker := (*string)(nil); ; {
		page, next := listing.Page(sorted, key, marker, 2)
		pages = append(pages, page)
		if next == nil {
			break
		}
		marker = next
	}
	if diff := cmp.Diff([][]string{{"a", "b"}, {"c", "d"}, {"e"}}, pages); diff != "" {
		t.Error(diff)
	}
	if page, next := listing.Page(sorted, key, api.Ptr("bb"), 3); next != nil || len(page) != 3 || page[0] != "c" {
		t.Errorf("after what is gone: %v, next %v", page, next)
	}
	if page, next := listing.Page(sorted, key, api.Ptr("e"), 3); next != nil || page == nil || len(page) != 0 {
		t.Errorf("after the last: %#v, next %v", page, next)
	}
}
