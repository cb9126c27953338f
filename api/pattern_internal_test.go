package api

import (
	"slices"
	"strings"
	"testing"
)

// The patterns with look-around, by hand: what they accept and refuse was read
// off the expressions, which Go cannot run.
func TestWrittenPatterns(t *testing.T) {
	long := strings.Repeat("n", 65)
	for _, c := range []struct {
		name           string
		match          func(string) bool
		accept, refuse []string
	}{
		{"alias", matchAlias, []string{"live", "1a", "-", "a-b_c"}, []string{"", "1", "2024", "a.b", "$LATEST", "a\n"}},
		{"bucket", matchBucket, []string{"", "b", "a.b-c_D", "..b"}, []string{"b.", "a/b", "é"}},
		{"collection", matchCollection, []string{"c", "_c", "9", "systemx", "a b.c-d"}, []string{"", "system.x", "-c", ".c", "a$b", "é"}},
		{"url function", matchURLFunction, []string{
			"f", "f:live", "f:1a", "function:f", "123456789012:function:f:live",
			"arn:aws:lambda:us-east-1:123456789012:function:f", "arn:aws:lambda:us-east-1:123456789012:function:f:live", long[:64],
		}, []string{"", "f:1", "f:$LATEST", "f:", "arn:aws:lambda:us-east-1:123456789012:function:f:12", long, "a.b"}},
	} {
		for _, s := range c.accept {
			if !c.match(s) {
				t.Errorf("%s refuses %q", c.name, s)
			}
		}
		for _, s := range c.refuse {
			if c.match(s) {
				t.Errorf("%s accepts %q", c.name, s)
			}
		}
	}
}

func TestQuickPatterns_AcceptNothingElse(t *testing.T) {
	for _, r := range []*rule{ruleFunctionName, ruleNamespacedFunctionName, ruleUnqualifiedFunctionName, ruleQualifier, ruleNumericLatestPublishedOrAliasQualifier} {
		if r.pattern.quick == nil {
			t.Fatalf("%s has no quick matcher", r.pattern.text)
		}
		for _, s := range []string{"f", "0", "-", "_", strings.Repeat("x", 64), "function", "123456789012"} {
			if !r.pattern.quick(s) || !r.pattern.match(s) || len(r.violated(s)) > 0 {
				t.Errorf("%q: quick %t, pattern %t, violations %v", s, r.pattern.quick(s), r.pattern.match(s), r.violated(s))
			}
		}
	}
}

func TestParseFunctionRef_AgreesWithThePattern(t *testing.T) {
	parts := []string{"", "arn:aws:lambda:", "arn:gcp:lambda:", "us-east-1:", "123456789012:", "12:", "function:", "f", "f.g", ":", "$LATEST", "live:", "$LATEST.PUBLISHED"}
	accepted := 0
	for _, a := range parts {
		for _, b := range parts {
			for _, c := range parts {
				for _, d := range parts {
					s := a + b + c + d
					_, err := ParseFunctionRef(s)
					if want := ruleNamespacedFunctionName.pattern.match(s); want != (err == nil) {
						t.Errorf("%q: pattern %t, parser %v", s, want, err)
					} else if want {
						accepted++
					}
				}
			}
		}
	}
	if accepted < 100 {
		t.Errorf("only %d were accepted", accepted)
	}
}

func TestChecker_StopsAtItsBound(t *testing.T) {
	in := &CreateEventSourceMappingInput{SourceAccessConfigurations: slices.Repeat([]SourceAccessConfiguration{{Type: Ptr("x")}}, 5000)}
	var c checker
	in.check(&c)
	if len(c.found) != maxViolations {
		t.Errorf("%d violations, want %d", len(c.found), maxViolations)
	}
	if err := c.err(); !strings.HasPrefix(err.Error(), "100 validation errors detected: Value null at 'functionName' failed") {
		t.Errorf("%.200s", err)
	}
}
