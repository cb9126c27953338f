package hearth_test

import (
	"testing"

	"github.com/hearthd/hearth"
)

func TestParseLayerARN(t *testing.T) {
	name := hearth.LayerName{Account: "123456789012", Region: "eu-west-1", Layer: "deps"}
	for arn, want := range map[string]int64{
		"arn:aws:lambda:eu-west-1:123456789012:layer:deps":    0,
		"arn:aws:lambda:eu-west-1:123456789012:layer:deps:12": 12,
	} {
		if got, version, ok := hearth.ParseLayerARN(arn); !ok || got != name || version != want {
			t.Errorf("%s: %v, %d, %t", arn, got, version, ok)
		}
	}
	for _, arn := range []string{
		"", "deps", "arn:aws:lambda:eu-west-1:123456789012:function:deps", "arn:aws:lambda:eu-west-1:12:layer:deps:1",
		"arn:aws:lambda:eu-west-1:123456789012:layer:deps:", "arn:aws:lambda:eu-west-1:123456789012:layer:deps:9999999999999999999",
		"arn:aws:lambda:eu-west-1:123456789012:layer:de/ps:1", "arn:aws:lambda:eu-west-1:123456789012:layer:deps:1\n",
	} {
		if _, _, ok := hearth.ParseLayerARN(arn); ok {
			t.Errorf("%q is taken for the ARN of a layer", arn)
		}
	}
}

func TestLayerVersionARN_ParsesBack(t *testing.T) {
	v := hearth.LayerVersion{Layer: hearth.LayerName{Account: "123456789012", Region: "cn-north-1", Layer: "a_b-C"}, Version: 7}
	const want = "arn:aws-cn:lambda:cn-north-1:123456789012:layer:a_b-C:7"
	if v.ARN() != want {
		t.Errorf("%s, want %s", v.ARN(), want)
	}
	if name, version, ok := hearth.ParseLayerARN(v.ARN()); !ok || name != v.Layer || version != 7 {
		t.Errorf("%v, %d, %t", name, version, ok)
	}
}

func FuzzParseLayerARN(f *testing.F) {
	for _, seed := range []string{
		"", "arn:aws:lambda:eu-west-1:123456789012:layer:deps:12", "arn:aws-cn:lambda:cn-north-1:123456789012:layer:deps",
		"arn:aws:lambda:::awslayer:x", "arn:aws:lambda:eu-west-1:123456789012:layer:deps:000000000000000001",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, arn string) {
		name, version, ok := hearth.ParseLayerARN(arn)
		if !ok {
			return
		}
		if version < 0 || len(name.Account) != 12 || name.Region == "" || name.Layer == "" {
			t.Errorf("%q is %+v, %d", arn, name, version)
		}
		again, sameVersion, ok := hearth.ParseLayerARN(name.VersionARN(max(1, version)))
		if !ok || again != name || sameVersion != max(1, version) {
			t.Errorf("%q is %+v, %d, which is %+v, %d", arn, name, version, again, sameVersion)
		}
	})
}
