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

const providerARN = "arn:aws:lambda:us-east-1:000000000000:capacity-provider:p"

func TestTagged_IsAProviderByItsARN(t *testing.T) {
	tags := map[string]string{"a": "1"}
	r := capacity.New(capacity.Options{Providers: &oneProvider{
		p: hearth.CapacityProvider{Account: "000000000000", Region: "us-east-1", Name: "p", Tags: tags},
	}}).Tagged()
	if !r.Owns(providerARN) {
		t.Error("it does not own a provider")
	}
	got, err := r.Tags(t.Context(), providerARN)
	if diff := cmp.Diff(tags, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	_, err = r.Tags(t.Context(), providerARN+"2")
	if !errors.Is(err, hearth.ErrNotFound) || err.Error() != "Capacity provider not found: "+providerARN+"2" {
		t.Errorf("a missing one: %v", err)
	}
}
