package capacity_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/edge/capacity"
)

// oneProvider has the provider p alone; what tags do not need is nil.
type oneProvider struct {
	capacity.Providers

	p hearth.CapacityProvider
}

func (o *oneProvider) Get(_ context.Context, account, region, name string) (*hearth.CapacityProvider, error) {
	if account != o.p.Account || region != o.p.Region || name != o.p.Name {
		return nil, hearth.ErrNotFound
	}
	p := o.p
	return &p, nil
}

func (o *oneProvider) Update(ctx context.Context, account, region, name string, change func(*hearth.CapacityProvider) error) (*hearth.CapacityProvider, error) {
	p, err := o.Get(ctx, account, region, name)
	if err != nil {
		return nil, err
	}
	if err := change(p); err != nil {
		return nil, err
	}
	o.p = *p
	return p, nil
}

const providerARN = "arn:aws:lambda:us-east-1:000000000000:capacity-provider:p"

func TestTags_OfAProvider(t *testing.T) {
	store := &oneProvider{p: hearth.CapacityProvider{Account: "000000000000", Region: "us-east-1", Name: "p", Tags: map[string]string{"a": "1"}}}
	s := capacity.New(capacity.Options{Providers: store})
	if !s.Owns(providerARN) || s.Owns("arn:aws:lambda:us-east-1:000000000000:function:p") {
		t.Error("it does not own what it should, or more")
	}
	before := store.p.Tags
	err := s.UpdateTags(t.Context(), providerARN, func(tags map[string]string) (map[string]string, error) {
		tags["b"] = "2"
		return tags, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Tags(t.Context(), providerARN)
	if diff := cmp.Diff(map[string]string{"a": "1", "b": "2"}, got); diff != "" || err != nil || len(before) != 1 {
		t.Errorf("%v, before %v (-want +got):\n%s", err, before, diff)
	}
	refusal := hearth.Errorf(hearth.ErrInvalid, "too many")
	if err := s.UpdateTags(t.Context(), providerARN, func(map[string]string) (map[string]string, error) { return nil, refusal }); !errors.Is(err, refusal) {
		t.Errorf("a refusal became %v", err)
	}
}

func TestTags_OfNoProvider(t *testing.T) {
	s := capacity.New(capacity.Options{Providers: &oneProvider{}})
	_, err := s.Tags(t.Context(), providerARN)
	if !errors.Is(err, hearth.ErrNotFound) || err.Error() != "Capacity provider not found: "+providerARN {
		t.Errorf("got %v", err)
	}
	err = s.UpdateTags(t.Context(), providerARN, func(tags map[string]string) (map[string]string, error) { return tags, nil })
	if !errors.Is(err, hearth.ErrNotFound) {
		t.Errorf("update: %v", err)
	}
}
