package policy_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/edge/policy"
	"github.com/hearthd/hearth/edge/policy/document"
)

var deps = hearth.LayerName{Account: name.Account, Region: name.Region, Layer: "deps"}

// layerPolicies is a service of which one version, deps:1, has a policy that allows a
// principal to get it, with an organization if that is not empty.
func layerPolicies(t *testing.T, authenticated bool, principal, organization string) (*policy.Service, *memory[policy.LayerVersion]) {
	t.Helper()
	version := policy.LayerVersion{Layer: deps, Version: 1}
	statement, err := document.Permission{
		Sid: "s", Action: "lambda:GetLayerVersion", Resource: version.ARN(), Principal: principal, PrincipalOrgID: organization,
	}.Statement("aws")
	if err != nil {
		t.Fatal(err)
	}
	kept := &memory[policy.LayerVersion]{kept: map[policy.LayerVersion]policy.Policy{
		version: {Document: document.Document{Version: document.Version, Statements: []document.Statement{statement}}},
	}}
	return policy.New(policy.Options{
		LayerPolicies: kept, Authenticated: authenticated, Organizations: map[string]string{"444455556666": "o-a1b2c3d4e5"},
	}), kept
}

func TestMayUseLayer_AsThePolicySays(t *testing.T) {
	for _, test := range []struct {
		name, principal, organization, account string
		version                                int64
		want                                   bool
	}{
		{"the account", "444455556666", "", "444455556666", 1, true},
		{"another account", "444455556666", "", "777788889999", 1, false},
		{"another version", "444455556666", "", "444455556666", 2, false},
		{"everybody", "*", "", "777788889999", 1, true},
		{"of the organization", "*", "o-a1b2c3d4e5", "444455556666", 1, true},
		{"of another organization", "*", "o-other00000", "444455556666", 1, false},
		{"of no organization", "*", "o-a1b2c3d4e5", "777788889999", 1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, _ := layerPolicies(t, true, test.principal, test.organization)
			if got := s.MayUseLayer(t.Context(), test.account, &hearth.LayerVersion{Layer: deps, Version: test.version}); got != test.want {
				t.Errorf("%s may use version %d: %t", test.account, test.version, got)
			}
		})
	}
}

func TestMayUseLayer_WithoutAuthentication_Everybody(t *testing.T) {
	s, _ := layerPolicies(t, false, "444455556666", "")
	if !s.MayUseLayer(t.Context(), "777788889999", &hearth.LayerVersion{Layer: deps, Version: 2}) {
		t.Error("there are no other accounts, and yet one may not")
	}
}

func TestDeleteLayerVersion_DeletesItsPolicyAlone(t *testing.T) {
	s, kept := layerPolicies(t, true, "*", "")
	for _, version := range []int64{2, 1, 1} {
		if err := s.DeleteLayerVersion(t.Context(), deps, version); err != nil {
			t.Errorf("%d: %v", version, err)
		}
		if gone := len(kept.kept) == 0; gone != (version == 1) {
			t.Errorf("%d was deleted, and the policy of 1 is gone: %t", version, gone)
		}
	}
}

// broken is a Store that deletes nothing.
type broken struct{ memory[policy.LayerVersion] }

var errBroken = errors.New("the disk is full")

func (*broken) Delete(context.Context, policy.LayerVersion, func(*policy.Policy) error) (*policy.Policy, error) {
	return nil, errBroken
}

func TestDeleteLayerVersion_StoreFails(t *testing.T) {
	s := policy.New(policy.Options{LayerPolicies: &broken{}})
	if err := s.DeleteLayerVersion(t.Context(), deps, 1); !errors.Is(err, errBroken) {
		t.Errorf("error = %v", err)
	}
}

func TestKey_PartsThatRecordsHave(t *testing.T) {
	for _, test := range []struct {
		about interface{ Key() []string }
		want  []string
	}{
		{policy.Function{Name: name}, []string{name.Account, name.Region, "f"}},
		{policy.Function{Name: name, Qualifier: "live"}, []string{name.Account, name.Region, "f", "live"}},
		{policy.LayerVersion{Layer: deps, Version: 12}, []string{name.Account, name.Region, "deps", "12"}},
	} {
		if got := test.about.Key(); !slices.Equal(got, test.want) {
			t.Errorf("%+v: %q, want %q", test.about, got, test.want)
		}
	}
}
