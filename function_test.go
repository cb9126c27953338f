package hearth_test

import (
	"errors"
	"testing"

	"github.com/hearthd/hearth"
)

func TestCheckTenant(t *testing.T) {
	plain, isolated := &hearth.Function{}, &hearth.Function{TenantIsolation: "PER_TENANT"}
	if err := errors.Join(plain.CheckTenant(""), isolated.CheckTenant("t")); err != nil {
		t.Error(err)
	}
	if err := plain.CheckTenant("t"); !errors.Is(err, hearth.ErrInvalid) {
		t.Errorf("a tenant of a function without: %v", err)
	}
	if err := isolated.CheckTenant(""); !errors.Is(err, hearth.ErrInvalid) {
		t.Errorf("no tenant of a function with: %v", err)
	}
}

func TestPartition_IsTheRegions(t *testing.T) {
	for region, want := range map[string]string{
		"eu-west-1": "aws", "cn-north-1": "aws-cn", "us-gov-west-1": "aws-us-gov", "eusc-de-east-1": "aws-eusc",
		"us-iso-east-1": "aws-iso", "us-isob-east-1": "aws-iso-b", "eu-isoe-west-1": "aws-iso-e", "us-isof-south-1": "aws-iso-f",
	} {
		if got := hearth.Partition(region); got != want {
			t.Errorf("%s is in %s, want %s", region, got, want)
		}
	}
}
