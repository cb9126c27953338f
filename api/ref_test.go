package api_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

func TestParseFunctionRef_Forms(t *testing.T) {
	const account = "123456789012"
	for s, want := range map[string]api.FunctionRef{
		"f":                          {Name: "f"},
		"f:1":                        {Name: "f", Qualifier: "1"},
		"f:$LATEST":                  {Name: "f", Qualifier: "$LATEST"},
		"f:$LATEST.PUBLISHED":        {Name: "f", Qualifier: "$LATEST.PUBLISHED"},
		"space.f":                    {Name: "space.f"},
		"function:f":                 {Name: "f"},
		"function":                   {Name: "function"},
		"function:function:live":     {Name: "function", Qualifier: "live"},
		account:                      {Name: account},
		account + ":f":               {Account: account, Name: "f"},
		account + ":function:f":      {Account: account, Name: "f"},
		account + ":function:f:live": {Account: account, Name: "f", Qualifier: "live"},
		account + ":$LATEST":         {Name: account, Qualifier: "$LATEST"},
		"function:$LATEST":           {Name: "function", Qualifier: "$LATEST"},
		"us-east-1":                  {Name: "us-east-1"},
		"us-gov-west-1:" + account + ":function:f": {Region: "us-gov-west-1", Account: account, Name: "f"},
		functionARN:              {Partition: "aws", Region: "us-east-1", Account: account, Name: "f"},
		functionARN + ":live":    {Partition: "aws", Region: "us-east-1", Account: account, Name: "f", Qualifier: "live"},
		functionARN + ":$LATEST": {Partition: "aws", Region: "us-east-1", Account: account, Name: "f", Qualifier: "$LATEST"},
		"arn:aws-cn:lambda:cn-north-1:" + account + ":function:f":          {Partition: "aws-cn", Region: "cn-north-1", Account: account, Name: "f"},
		"arn:aws-eusc:lambda:eusc-de-east-1:" + account + ":function:f":    {Partition: "aws-eusc", Region: "eusc-de-east-1", Account: account, Name: "f"},
		"arn:aws-iso-b:lambda:us-isob-east-1:" + account + ":function:f:7": {Partition: "aws-iso-b", Region: "us-isob-east-1", Account: account, Name: "f", Qualifier: "7"},
	} {
		got, err := api.ParseFunctionRef(s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", s, diff)
		}
	}
}

func TestParseFunctionRef_Malformed(t *testing.T) {
	for _, s := range []string{
		"", ":", "f:", ":f", "f g", "f:a b", "f:1:2", "f/g", "é", "f:$OLD", "f:$LATEST.", "arn:", "arn:aws:lambda:",
		"arn:aws:s3:us-east-1:123456789012:function:f",
		"arn:gcp:lambda:us-east-1:123456789012:function:f",
		"arn:aws:lambda:us-east-1:123400000000@function:myfn",
		"invalid:function:name",
	} {
		_, err := api.ParseFunctionRef(s)
		if !errors.Is(err, hearth.ErrValidation) {
			t.Errorf("%q: %v", s, err)
			continue
		}
		if want := "1 validation error detected: Value '" + s + "' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: "; !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestResolve_QualifierFromEitherSide(t *testing.T) {
	for _, c := range []struct {
		ref, want string
		qualifier *string
	}{
		{"f", "", nil},
		{"f", "1", api.Ptr("1")},
		{"f:1", "1", nil},
		{"f:1", "1", api.Ptr("1")},
	} {
		ref, err := api.ParseFunctionRef(c.ref)
		if err != nil {
			t.Fatal(err)
		}
		name, got, err := ref.Resolve("123456789012", "us-east-1", c.qualifier)
		if err != nil || got != c.want || name != (hearth.Name{Account: "123456789012", Region: "us-east-1", Function: "f"}) {
			t.Errorf("%s with %v: %v %q %v", c.ref, api.Value(c.qualifier), name, got, err)
		}
	}
}

func TestResolve_QualifiersDiffer(t *testing.T) {
	_, _, err := api.FunctionRef{Name: "f", Qualifier: "1"}.Resolve("123456789012", "us-east-1", api.Ptr("2"))
	if !errors.Is(err, hearth.ErrInvalid) || err.Error() != "The derived qualifier from the function name does not match the specified qualifier." {
		t.Errorf("%v", err)
	}
}

func TestResolve_OtherRegion(t *testing.T) {
	_, _, err := api.FunctionRef{Name: "f", Region: "ap-southeast-1"}.Resolve("123456789012", "us-east-1", nil)
	if !errors.Is(err, hearth.ErrNotFound) || err.Error() != "Functions from 'ap-southeast-1' are not reachable in this region ('us-east-1')" {
		t.Errorf("%v", err)
	}
}

func TestResolve_OtherAccount(t *testing.T) {
	name, _, err := api.FunctionRef{Name: "f", Account: "210987654321"}.Resolve("123456789012", "us-east-1", nil)
	if err != nil || name.Account != "210987654321" {
		t.Errorf("%v %v", name, err)
	}
}
