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
