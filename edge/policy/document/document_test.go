package document_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/edge/policy/document"
)

const fn = "arn:aws:lambda:us-east-1:111122223333:function:f"

// policy returns a document of statements in JSON, in which FN is the function.
func policy(t *testing.T, statements ...string) document.Document {
	t.Helper()
	d, err := document.Parse(`{"Version":"2012-10-17","Statement":[` + strings.ReplaceAll(strings.Join(statements, ","), "FN", fn) + `]}`)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// by is a request to invoke the function.
func by(principal document.Principal, context ...string) document.Request {
	r := document.Request{Principal: principal, Action: "lambda:InvokeFunction", Resource: fn, Owner: "111122223333", Context: map[string]string{}}
	for i := 0; i < len(context); i += 2 {
		r.Context[context[i]] = context[i+1]
	}
	return r
}

func user(account string) document.Principal {
	return document.Principal{Account: account, ARN: "arn:aws:iam::" + account + ":user/alice"}
}

func TestEvaluate_Principals(t *testing.T) {
	role := document.Principal{Account: "111122223333", ARN: "arn:aws:sts::111122223333:assumed-role/r/f", RoleARN: "arn:aws:iam::111122223333:role/path/r"}
	root := document.Principal{Account: "111122223333", ARN: "arn:aws:iam::111122223333:root"}
	s3 := document.Principal{Service: "s3.amazonaws.com"}
	for _, c := range []struct {
		name, principal string
		who             document.Principal
		want            document.Decision
	}{
		{"everybody, a user", `"*"`, user("444455556666"), document.Allowed},
		{"everybody, a service", `"*"`, s3, document.Allowed},
		{"everybody, anonymous", `"*"`, document.Principal{}, document.Allowed},
		{"any AWS principal, a user", `{"AWS":"*"}`, user("444455556666"), document.Allowed},
		{"any AWS principal, a service", `{"AWS":"*"}`, s3, document.Silent},
		{"an account, its user", `{"AWS":"444455556666"}`, user("444455556666"), document.Allowed},
		{"an account's root, its user", `{"AWS":"arn:aws:iam::444455556666:root"}`, user("444455556666"), document.Allowed},
		{"an account, another's user", `{"AWS":"444455556666"}`, user("444455556667"), document.Silent},
		{"an account, anonymous", `{"AWS":"444455556666"}`, document.Principal{}, document.Silent},
		{"the owner, its user", `{"AWS":"111122223333"}`, user("111122223333"), document.Silent},
		{"the owner, its root", `{"AWS":"111122223333"}`, root, document.Allowed},
		{"a user", `{"AWS":["1111","arn:aws:iam::444455556666:user/alice"]}`, user("444455556666"), document.Allowed},
		{"another user", `{"AWS":"arn:aws:iam::444455556666:user/bob"}`, user("444455556666"), document.Silent},
		{"a role, its session", `{"AWS":"arn:aws:iam::111122223333:role/path/r"}`, role, document.Allowed},
		{"a session", `{"AWS":"arn:aws:sts::111122223333:assumed-role/r/f"}`, role, document.Allowed},
		{"a service", `{"Service":"s3.amazonaws.com"}`, s3, document.Allowed},
		{"another service", `{"Service":"sns.amazonaws.com"}`, s3, document.Silent},
		{"a service, a user", `{"Service":"s3.amazonaws.com"}`, user("444455556666"), document.Silent},
	} {
		principal := strings.Replace(c.principal, `"1111"`, `"999900001111"`, 1)
		d := policy(t, `{"Effect":"Allow","Principal":`+principal+`,"Action":"lambda:InvokeFunction","Resource":"FN"}`)
		if got := d.Evaluate(by(c.who)); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}

func TestEvaluate_ActionsAndResources(t *testing.T) {
	for body, want := range map[string]document.Decision{
		`"Action":"lambda:InvokeFunction","Resource":"FN"`:                              document.Allowed,
		`"Action":"LAMBDA:invokefunction","Resource":"FN"`:                              document.Allowed,
		`"Action":"*","Resource":"*"`:                                                   document.Allowed,
		`"Action":"lambda:Invoke*","Resource":"arn:aws:lambda:*:*:function:?"`:          document.Allowed,
		`"Action":["lambda:GetFunction","lambda:InvokeFunction"],"Resource":["x","FN"]`: document.Allowed,
		`"Action":"lambda:InvokeFunctionUrl","Resource":"FN"`:                           document.Silent,
		`"Action":"lambda:InvokeFunctio","Resource":"FN"`:                               document.Silent,
		`"Action":"lambda:InvokeFunction","Resource":"FN:live"`:                         document.Silent,
		`"Action":"lambda:InvokeFunction","Resource":"fn"`:                              document.Silent,
		`"NotAction":"lambda:Get*","Resource":"FN"`:                                     document.Allowed,
		`"NotAction":"lambda:Invoke*","Resource":"FN"`:                                  document.Silent,
		`"Action":"*","NotResource":"FN"`:                                               document.Silent,
	} {
		d := policy(t, `{"Effect":"Allow","Principal":"*",`+body+`}`)
		if got := d.Evaluate(by(user("444455556666"))); got != want {
			t.Errorf("%s: %d, want %d", body, got, want)
		}
	}
}

func TestEvaluate_DenyWins(t *testing.T) {
	allow := `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}`
	deny := `{"Effect":"Deny","Principal":{"AWS":"111122223333"},"Action":"*","Resource":"*"}`
	for _, d := range []document.Document{policy(t, allow, deny), policy(t, deny, allow)} {
		if got := d.Evaluate(by(user("111122223333"))); got != document.Denied {
			t.Errorf("user of the account that is denied: %d", got)
		}
		if got := d.Evaluate(by(user("444455556666"))); got != document.Allowed {
			t.Errorf("user of another account: %d", got)
		}
	}
}

func TestEvaluate_Conditions(t *testing.T) {
	for _, c := range []struct {
		condition string
		context   []string
		want      bool
	}{
		{`{"StringEquals":{"AWS:SourceAccount":"1"}}`, []string{"aws:sourceaccount", "1"}, true},
		{`{"StringEquals":{"AWS:SourceAccount":["2","1"]}}`, []string{"aws:sourceaccount", "1"}, true},
		{`{"StringEquals":{"AWS:SourceAccount":"1"}}`, []string{"aws:sourceaccount", "2"}, false},
		{`{"StringEquals":{"AWS:SourceAccount":"1"}}`, nil, false},
		{`{"StringEqualsIfExists":{"AWS:SourceAccount":"1"}}`, nil, true},
		{`{"StringEqualsIfExists":{"AWS:SourceAccount":"1"}}`, []string{"aws:sourceaccount", "2"}, false},
		{`{"StringNotEquals":{"aws:PrincipalOrgID":"o-a"}}`, []string{"aws:principalorgid", "o-b"}, true},
		{`{"StringNotEquals":{"aws:PrincipalOrgID":"o-a"}}`, []string{"aws:principalorgid", "o-a"}, false},
		{`{"StringNotEquals":{"aws:PrincipalOrgID":"o-a"}}`, nil, true},
		{`{"StringEqualsIgnoreCase":{"k":"AbC"}}`, []string{"k", "aBc"}, true},
		{`{"StringNotLike":{"k":"a*"}}`, []string{"k", "abc"}, false},
		{`{"StringLike":{"k":"a?c*"}}`, []string{"k", "abcdef"}, true},
		{`{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::bucket"}}`, []string{"aws:sourcearn", "arn:aws:s3:::bucket"}, true},
		{`{"ArnLike":{"AWS:SourceArn":"arn:aws:execute-api:*:1:api/*/GET/*"}}`, []string{"aws:sourcearn", "arn:aws:execute-api:us-east-1:1:api/prod/GET/x:y"}, true},
		{`{"ArnLike":{"AWS:SourceArn":"arn:aws:*:bucket"}}`, []string{"aws:sourcearn", "arn:aws:s3:::bucket"}, false},
		{`{"ArnNotEquals":{"AWS:SourceArn":"arn:aws:s3:::bucket"}}`, []string{"aws:sourcearn", "arn:aws:s3:::bucket"}, false},
		{`{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::bucket"}}`, []string{"aws:sourcearn", "bucket"}, false},
		{`{"Bool":{"lambda:InvokedViaFunctionUrl":"true"}}`, []string{"lambda:invokedviafunctionurl", "true"}, true},
		{`{"Bool":{"lambda:InvokedViaFunctionUrl":true}}`, []string{"lambda:invokedviafunctionurl", "false"}, false},
		{`{"Null":{"k":"true"}}`, nil, true},
		{`{"Null":{"k":"false"}}`, nil, false},
		{`{"StringEquals":{"a":"1","b":"2"}}`, []string{"a", "1"}, false},
		{`{"StringEquals":{"a":"1"},"Bool":{"b":"true"}}`, []string{"a", "1", "b", "true"}, true},
	} {
		d := policy(t, `{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":`+c.condition+`}`)
		if got := d.Evaluate(by(document.Principal{Service: "s3.amazonaws.com"}, c.context...)) == document.Allowed; got != c.want {
			t.Errorf("%s with %q: %t, want %t", c.condition, c.context, got, c.want)
		}
	}
}

func TestParse_Refuses(t *testing.T) {
	statement := func(body string) string { return `{"Version":"2012-10-17","Statement":[{` + body + `}]}` }
	for _, text := range []string{
		``, `null`, `{}`, `[]`, `{"Version":"2012-10-17"}`, `{"Version":"2012-10-17","Statement":[]}`, `{"Version":"1","Statement":{}}`,
		statement(`"Effect":"allow","Principal":"*","Action":"*","Resource":"*"`),
		statement(`"Effect":"Allow","Action":"*","Resource":"*"`),
		statement(`"Effect":"Allow","Principal":"alice","Action":"*","Resource":"*"`),
		statement(`"Effect":"Allow","Principal":{},"Action":"*","Resource":"*"`),
		statement(`"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:user/*"},"Action":"*","Resource":"*"`),
		statement(`"Effect":"Allow","Principal":{"AWS":"alice"},"Action":"*","Resource":"*"`),
		statement(`"Effect":"Allow","NotPrincipal":"*","Action":"*","Resource":"*"`),
		statement(`"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"`),
		statement(`"Effect":"Allow","Principal":"*","Action":[],"Resource":"*"`),
		statement(`"Effect":"Allow","Principal":"*","Action":"*","NotAction":"*","Resource":"*"`),
		statement(`"Effect":"Allow","Principal":"*","Action":"*"`),
		statement(`"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"DateLessThan":{"a":"b"}}`),
		statement(`"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"StringEquals":{"a":{}}}`),
		statement(`"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Extra":1`),
		statement(`"Sid":"a","Effect":"Allow","Principal":"*","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Deny","Principal":"*","Action":"*","Resource":"*"`),
		statement(`"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"`) + "{}",
	} {
		if d, err := document.Parse(text); err == nil {
			t.Errorf("%s is read as %s", text, d.String())
		}
	}
}

func TestString_KeepsStatementsAsTheyWere(t *testing.T) {
	d, err := document.Parse(`{ "Version": "2012-10-17", "Id": "a<b>", "Statement": { "Resource": "*", "Sid": "x & y", "Effect": "Allow", "Principal": "*", "Action": "*" } }`)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"Version":"2012-10-17","Id":"a<b>","Statement":[{"Resource":"*","Sid":"x & y","Effect":"Allow","Principal":"*","Action":"*"}]}`
	if diff := cmp.Diff(want, d.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDocument_SurvivesStorage(t *testing.T) {
	d := policy(t, `{"Sid":"<&>","Effect":"Deny","Principal":{"AWS":"444455556666"},"Action":"lambda:*","Resource":"FN","Condition":{"StringLike":{"k":"v*"}}}`)
	data, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	var back document.Document
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if back.String() != d.String() {
		t.Errorf("stored %s, back %s", d.String(), back.String())
	}
	if got := back.Evaluate(by(user("444455556666"), "k", "value")); got != document.Denied {
		t.Errorf("decision %d after storage", got)
	}
}

func TestPermission_AsAWSPrintsIt(t *testing.T) {
	yes := true
	for _, c := range []struct {
		p    document.Permission
		want string
	}{
		{document.Permission{Sid: "s", Action: "lambda:InvokeFunction", Principal: "*"},
			`{"Sid":"s","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":"` + fn + `"}`},
		{document.Permission{Sid: "s", Action: "lambda:InvokeFunction", Principal: "444455556666"},
			`{"Sid":"s","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::444455556666:root"},"Action":"lambda:InvokeFunction","Resource":"` + fn + `"}`},
		{document.Permission{Sid: "s", Action: "lambda:*", Principal: "s3.amazonaws.com", SourceAccount: "1", SourceARN: "arn:aws:s3:::b&c"},
			`{"Sid":"s","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:*","Resource":"` + fn +
				`","Condition":{"StringEquals":{"AWS:SourceAccount":"1"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b&c"}}}`},
		{document.Permission{Sid: "s", Action: "lambda:InvokeFunction", Principal: "*", ViaFunctionURL: &yes},
			`{"Sid":"s","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":"` + fn +
				`","Condition":{"Bool":{"lambda:InvokedViaFunctionUrl":"true"}}}`},
	} {
		c.p.Resource = fn
		s, err := c.p.Statement("aws")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, s.Text()); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestPermission_PrincipalsThatAreNone(t *testing.T) {
	for _, principal := range []string{"", "alice", "invalid.nonaws.com", "12345", "arn:aws:s3:::bucket", "arn:aws:iam::444455556666:user/*", "evil.amazonaws.com\n", "-.amazonaws.com"} {
		if s, err := (document.Permission{Sid: "s", Action: "*", Resource: fn, Principal: principal}).Statement("aws"); err == nil {
			t.Errorf("%q: %s", principal, s.Text())
		}
	}
}

func TestMatch_Wildcards(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"*", "", true}, {"?", "", false}, {"a*b*c", "axxbyyc", true}, {"a*b*c", "axxbyy", false},
		{"**a", "ba", true}, {"a", "ab", false}, {"a?", "ab", true}, {"*ab", "aab", true}, {"lambda:Get*", "lambda:GetFunction", true},
		{strings.Repeat("*a", 50) + "b", strings.Repeat("a", 10_000), false},
	} {
		if got := document.Match(c.pattern, c.text); got != c.want {
			t.Errorf("%.20q %.20q: %t", c.pattern, c.text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":["*"],"Service":"s3.amazonaws.com"},"Action":"lambda:*","Resource":"*","Condition":{"StringLikeIfExists":{"a":[true,1,"x*"]}}}}`)
	f.Add(`{"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"s","Effect":"Deny","Principal":"*","NotAction":"*","NotResource":["a","b"]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		d, err := document.Parse(text)
		if err != nil {
			return
		}
		again, err := document.Parse(d.String())
		if err != nil || again.String() != d.String() {
			t.Errorf("%q prints as %q, which is read as %q, %v", text, d.String(), again.String(), err)
		}
		r := by(user("444455556666"), "a", "x")
		if a, b := d.Evaluate(r), again.Evaluate(r); a != b {
			t.Errorf("%q decides %d, and %d when printed", text, a, b)
		}
	})
}
