package hearth_test

import (
	"testing"

	"github.com/hearthd/hearth"
)

func TestIsAlias_Qualifiers(t *testing.T) {
	for qualifier, want := range map[string]bool{
		"": false, hearth.Latest: false, "7": false, "007": false, "live": true, "1_1": true, "v2": true, hearth.LatestPublished: false,
	} {
		if got := hearth.IsAlias(qualifier); got != want {
			t.Errorf("%q: %v", qualifier, got)
		}
	}
}

func TestVersionNumber_Qualifiers(t *testing.T) {
	for version, want := range map[string]int{
		"1": 1, "42": 42, "2147483647": 2147483647, "": 0, hearth.Latest: 0, "0": 0, "007": 0, "+1": 0, "-1": 0, "1_1": 0, "live": 0, "2147483648": 0,
	} {
		if got, ok := hearth.VersionNumber(version); got != want || ok != (want > 0) {
			t.Errorf("%q: %d, %v", version, got, ok)
		}
	}
}

func TestAlias_PointsToBothOfItsVersions(t *testing.T) {
	one := hearth.Alias{Version: "1"}
	two := hearth.Alias{Version: "1", Additional: "2"}
	if !one.PointsTo("1") || one.PointsTo("2") || one.PointsTo("") {
		t.Error("an alias of one version")
	}
	if !two.PointsTo("1") || !two.PointsTo("2") || two.PointsTo("3") {
		t.Error("an alias of two versions")
	}
}

func TestAlias_ARNIsTheFunctionsQualified(t *testing.T) {
	a := hearth.Alias{Function: hearth.Name{Account: "123456789012", Region: "eu-west-1", Function: "f"}, Name: "live"}
	if got, want := a.ARN(), "arn:aws:lambda:eu-west-1:123456789012:function:f:live"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
