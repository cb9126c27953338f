package daemon

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api/own"
)

func TestCountFunctions_ByAccountAndRegion(t *testing.T) {
	fn := func(account, region, version string) *hearth.Function {
		return &hearth.Function{Name: hearth.Name{Account: account, Region: region, Function: "f"}, Version: version}
	}
	got := countFunctions([]*hearth.Function{
		fn("2", "us-east-1", hearth.Latest), fn("1", "us-east-1", hearth.Latest), fn("1", "us-east-1", "1"), fn("1", "eu-west-1", hearth.Latest), fn("1", "eu-west-1", hearth.Latest),
	})
	want := []own.FunctionCount{{Account: "1", Region: "eu-west-1", Functions: 2}, {Account: "1", Region: "us-east-1", Functions: 1}, {Account: "2", Region: "us-east-1", Functions: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}
