package control_test

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseRows_ReadsEachPart(t *testing.T) {
	file, err := parseRows("x.rows", []byte(`# comment
@serve --flag value

=== First
# comment
@sign KEY SECRET
POST /path?q=1
X-One: 1

{"a":
# comment
1}
--- 404 SomeException eventually
X-Two: <text>

the message

=== Second
GET /path
--- 204
`))
	if err != nil {
		t.Fatal(err)
	}
	want := &rowFile{path: "x.rows", serve: []string{"--flag", "value"}, rows: []row{
		{
			title: "First", line: 4, sign: []string{"KEY", "SECRET"},
			request: request{"POST", "/path?q=1", []header{{"X-One", "1"}}, "{\"a\":\n1}"},
			want:    response{404, "SomeException", true, []header{{"X-Two", "<text>"}}, "the message"},
		},
		{title: "Second", line: 18, request: request{method: "GET", target: "/path"}, want: response{status: 204}},
	}}
	if diff := cmp.Diff(want, file, cmp.AllowUnexported(rowFile{}, row{}, request{}, response{}, header{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseRows_RefusesWhatWouldNotBeCompared(t *testing.T) {
	for text, want := range map[string]string{
		"":                                     "no rows",
		"GET /\n--- 200\n":                     "before the first row",
		"=== A\n":                              "has no request",
		"=== A\nGET /\n":                       "has no expected answer",
		"=== A\nGET /\n=== B\n":                "has no expected answer",
		"=== A\nGET\n--- 200\n":                "has no request line",
		"=== A\nGET /\n--- OK\n":               "no status",
		"=== A\nGET /\n--- 404\n":              "no error code",
		"=== A\nGET /\n--- 200\n--- 200\n":     "two expected answers",
		"=== A\n@resign K S\nGET /\n--- 200\n": "@resign",
	} {
		if _, err := parseRows("x.rows", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want an error with %q", text, err, want)
		}
	}
}

func TestMatch_ByValue(t *testing.T) {
	captured := map[string]string{"id": "11111111-1111-1111-1111-111111111111"}
	for _, c := range []struct {
		want, got string
		same      bool
	}{
		{`{"a":1,"b":[true,null]}`, `{"b":[true,null],"a":1}`, true},
		{`{"a":1}`, `{"a":2}`, false},
		{`{"a":1}`, `{"a":"1"}`, false},
		{`{"a":1}`, `{}`, false},
		{`{}`, `{"a":null}`, false},
		{`{"<rest>":true}`, `{"a":1}`, true},
		{`{"a":"<any>"}`, `{"a":{"b":1}}`, true},
		{`{"a":"<text>"}`, `{"a":""}`, false},
		{`{"a":"<text>"}`, `{"a":1}`, false},
		{`{"a":"<number>"}`, `{"a":1.5}`, true},
		{`{"a":"<number>"}`, `{"a":"1.5"}`, false},
		{`{"a":"<b>"}`, `{"a":"<b>"}`, true},
		{`{"a":"x.y <int>"}`, `{"a":"x.y 12"}`, true},
		{`{"a":"x.y <int>"}`, `{"a":"x-y 12"}`, false},
		{`{"a":"<uuid!=id>"}`, `{"a":"22222222-2222-2222-2222-222222222222"}`, true},
		{`{"a":"<uuid!=id>"}`, `{"a":"11111111-1111-1111-1111-111111111111"}`, false},
		{`[1,2]`, `[2,1]`, false},
		{`["<unordered>",1,2]`, `[2,1]`, true},
		{`["<unordered>",1,1]`, `[1,2]`, false},
		{`["<unordered>",1]`, `[1,1]`, false},
		{`{}`, `{} {}`, false},
		{`{}`, `not JSON`, false},
	} {
		m := newMatcher(captured)
		m.json("body", c.want, c.got)
		if same := len(m.diffs) == 0; same != c.same {
			t.Errorf("%s and %s: same is %v, want %v (%q)", c.want, c.got, same, c.same, m.diffs)
		}
	}
}

func TestMatch_CapturesWhatItFound(t *testing.T) {
	m := newMatcher(nil)
	m.json("body", `{"a":"v<int=version> of <word=name>","n":"<number=n>"}`, `{"a":"v12 of thing","n":7}`)
	if diff := cmp.Diff(map[string]string{"version": "12", "name": "thing", "n": "7"}, m.found); diff != "" || len(m.diffs) > 0 {
		t.Errorf("(-want +got):\n%s%q", diff, m.diffs)
	}
}

func TestRecordedMessage_MatchesItsInstancesOnly(t *testing.T) {
	recorded := wireError{"ResourceNotFoundException", 404, "Message,Type", "Function not found: arn:<partition>:lambda:{region}:{account}:function:{name}:10"}
	good := wireError{"ResourceNotFoundException", 404, "Message,Type", "Function not found: arn:aws:lambda:eu-x-1:000000000000:function:f:10"}
	if !recorded.matches(good) {
		t.Errorf("%v is no instance of %v", good, recorded)
	}
	for _, change := range []func(*wireError){
		func(e *wireError) { e.code = "ServiceException" },
		func(e *wireError) { e.status = 400 },
		func(e *wireError) { e.keys = "Type,message" },
		func(e *wireError) { e.message += "0" },
		func(e *wireError) { e.message = strings.TrimSuffix(e.message, ":10") },
	} {
		bad := good
		if change(&bad); recorded.matches(bad) {
			t.Errorf("%v is an instance of %v", bad, recorded)
		}
	}
}

func TestArchive_OfZerosUnpacks(t *testing.T) {
	for _, size := range []int{0, 1, 1 << 20, 5<<20 + 7} {
		data, err := makeArchive(fmt.Sprintf("zeros:%d", size))
		if err != nil {
			t.Fatal(err)
		}
		r, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		f, err := r.File[0].Open()
		if err != nil {
			t.Fatal(err)
		}
		unpacked, err := io.ReadAll(f) // checks the sum
		if err != nil || len(unpacked) != size || len(bytes.Trim(unpacked, "\x00")) > 0 {
			t.Errorf("%d zeros became %d bytes (%v)", size, len(unpacked), err)
		}
	}
}
