package resource_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/edge/resource"
)

type thing struct {
	tags map[string]string
	gone bool
}

// things are by their ids, whatever the account and region. What tags do not
// need is not there.
type things struct {
	resource.ByID[thing]

	byID map[string]*thing
}

func newThings(byID map[string]*thing) things { return things{byID: byID} }

func (s things) Get(_ context.Context, _, _, id string) (*thing, error) {
	v, ok := s.byID[id]
	if !ok {
		return nil, hearth.ErrNotFound
	}
	read := *v
	return &read, nil
}

func (s things) Update(ctx context.Context, account, region, id string, change func(*thing) error) (*thing, error) {
	v, err := s.Get(ctx, account, region, id)
	if err != nil {
		return nil, err
	}
	if err := change(v); err != nil {
		return nil, err
	}
	s.byID[id] = v
	return v, nil
}

func records(s things) resource.TaggedRecords[thing] {
	return resource.TaggedRecords[thing]{
		Store: s, Kind: "thing",
		TagsOf: func(v *thing) (*map[string]string, error) {
			if v.gone {
				return nil, hearth.ErrNotFound
			}
			return &v.tags, nil
		},
		Missing: func(arn string) error { return hearth.Errorf(hearth.ErrNotFound, "no %s", arn) },
	}
}

const thingARN = "arn:aws:lambda:us-east-1:000000000000:thing:"

func TestRecords_OwnTheirKind(t *testing.T) {
	r := records(newThings(nil))
	if !r.Owns(thingARN+"a") || r.Owns(functionF) {
		t.Error("it does not own what it should, or more")
	}
}

func TestRecords_ChangeACopy(t *testing.T) {
	s := newThings(map[string]*thing{"a": {tags: map[string]string{"k": "v"}}})
	before := s.byID["a"].tags
	err := records(s).UpdateTags(t.Context(), thingARN+"a", func(tags map[string]string) (map[string]string, error) {
		tags["l"] = "w"
		return tags, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := records(s).Tags(t.Context(), thingARN+"a")
	if diff := cmp.Diff(map[string]string{"k": "v", "l": "w"}, got); err != nil || diff != "" || len(before) != 1 {
		t.Errorf("%v, before %v (-want +got):\n%s", err, before, diff)
	}
}

func TestRecords_ARefusalIsReturnedAsItIs(t *testing.T) {
	refusal := hearth.Errorf(hearth.ErrNotFound, "not so")
	s := newThings(map[string]*thing{"a": {tags: map[string]string{"k": "v"}}})
	err := records(s).UpdateTags(t.Context(), thingARN+"a", func(map[string]string) (map[string]string, error) { return nil, refusal })
	if !errors.Is(err, refusal) || len(s.byID["a"].tags) != 1 {
		t.Errorf("%v, tags %v", err, s.byID["a"].tags)
	}
}

func TestRecords_MissingOrGone(t *testing.T) {
	r := records(newThings(map[string]*thing{"gone": {gone: true}}))
	for _, id := range []string{"missing", "gone"} {
		_, err := r.Tags(t.Context(), thingARN+id)
		if !errors.Is(err, hearth.ErrNotFound) || err.Error() != "no "+thingARN+id {
			t.Errorf("Tags of %s: %v", id, err)
		}
		err = r.UpdateTags(t.Context(), thingARN+id, func(tags map[string]string) (map[string]string, error) { return tags, nil })
		if !errors.Is(err, hearth.ErrNotFound) || err.Error() != "no "+thingARN+id {
			t.Errorf("UpdateTags of %s: %v", id, err)
		}
	}
}
