package host

import (
	"testing"

	"github.com/hearthd/hearth/runtimes"
)

func TestDescribeSDK_WithoutOne_SaysHowToGetIt(t *testing.T) {
	set, err := runtimes.New(runtimes.Options{Dir: t.TempDir(), SDKDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for family, want := range map[runtimes.Family]Check{
		runtimes.Python: {Status: Limited, Detail: "it, no boto3", Fix: "hearth runtimes install python"},
		runtimes.Node:   {Status: Limited, Detail: "it, no @aws-sdk", Fix: "hearth runtimes install node"},
		runtimes.Java:   {Status: OK, Detail: "it"},
	} {
		got := Check{Status: OK, Detail: "it"}
		describeSDK(&got, set, runtimes.Interpreter{Family: family, Version: "3.12.1"})
		if got != want {
			t.Errorf("%s: %+v, want %+v", family, got, want)
		}
	}
}
