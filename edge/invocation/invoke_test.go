package invocation_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/hearthd/hearth"
)

func TestTranscript_Invoke(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f")
		f.invoker.invoke = func(name hearth.Name, qualifier string, inv *hearth.Invocation) (hearth.Result, error) {
			return hearth.Result{
				Payload:         fmt.Appendf(nil, `{"name":%q,"qualifier":%q,"event":%s,"context":%q,"tenant":%q}`, name, qualifier, inv.Payload, inv.ClientContext, inv.TenantID),
				ExecutedVersion: hearth.Latest, LogTail: []byte("START\nEND\nREPORT\n"),
			}, nil
		}
		const path = functions + "/f/invocations"
		f.do("POST", path, `{"a":1}`)
		f.do("POST", path, "")
		f.do("POST", path+"?Qualifier=live", ` "text" `, "X-Amzn-Trace-Id: Root=1-2-3", "X-Amz-Log-Type: Tail")
		f.do("POST", path, "null", "X-Amz-Client-Context: "+base64.StdEncoding.EncodeToString([]byte(`{"client":{}}`)), "X-Amz-Tenant-Id: blue")
		f.do("POST", path, "null", "X-Amz-Client-Context: %%%")
		f.do("POST", path, "null", "X-Amz-Client-Context: "+base64.StdEncoding.EncodeToString([]byte("no json")))
		f.do("POST", path, "", "X-Amz-Invocation-Type: DryRun")
		f.do("POST", functions+"/missing/invocations", "", "X-Amz-Invocation-Type: DryRun")
		f.do("POST", path, "{}", "X-Amz-Invocation-Type: Event")
		f.do("POST", path, strings.Repeat(" ", 6291557))
		f.do("POST", path, strings.Repeat(" ", 1<<20+1), "X-Amz-Invocation-Type: Event")
		f.golden("invoke")
	})
}

func TestTranscript_InvokeThatFails(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f")
		results := []hearth.Result{
			{Payload: []byte(`{"errorMessage":"boom","errorType":"ValueError"}`), FunctionError: hearth.Unhandled, ExecutedVersion: "7"},
			{Payload: []byte("\x00\x01"), ContentType: "application/octet-stream", ExecutedVersion: "7"},
			{ExecutedVersion: "7"},
		}
		errs := []error{
			&hearth.Throttle{Reason: hearth.ThrottleConcurrency, RetryAfter: 1500e6},
			hearth.Errorf(hearth.ErrNotFound, "Function not found: arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST"),
			fmt.Errorf("a secret of %s", "the host"),
		}
		f.invoker.invoke = func(hearth.Name, string, *hearth.Invocation) (hearth.Result, error) {
			if len(results) > 0 {
				res := results[0]
				results = results[1:]
				return res, nil
			}
			err := errs[0]
			errs = errs[1:]
			return hearth.Result{}, err
		}
		for range len(results) + len(errs) {
			f.do("POST", functions+"/f/invocations", "{}")
		}
		f.golden("invoke-fails")
	})
}

func TestTranscript_PayloadsThatAreNotJSON(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f")
		for _, payload := range []string{"x", "%", "{", `{"a":`, `{"a" 1}`, "[1,]", `"open`, "tru", "nul}", "{}{}", "1 2", "'a'", "{\n  \"a\": bad\n}", "01", " ",
			"n\x87r", "\x99\xeb,j", "\xa7", "é", "né ", "t\xe9(", "\x01"} {
			f.do("POST", functions+"/f/invocations", payload)
		}
		f.golden("invoke-json")
	})
}

func TestInvoke_QualifierIsHandedOnAndTheExecutedVersionComesBack(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f")
		var asked string
		f.invoker.invoke = func(_ hearth.Name, qualifier string, _ *hearth.Invocation) (hearth.Result, error) {
			asked = qualifier
			return hearth.Result{Payload: []byte("1"), ExecutedVersion: "2"}, nil
		}
		for _, path := range []string{"/f/invocations?Qualifier=live", "/f:live/invocations", "/arn:aws:lambda:us-east-1:000000000000:function:f:live/invocations"} {
			asked = ""
			w := f.do("POST", functions+path, "{}")
			if asked != "live" || w.Header().Get("X-Amz-Executed-Version") != "2" {
				f.Errorf("%s: invoked %q, executed version %q", path, asked, w.Header().Get("X-Amz-Executed-Version"))
			}
		}
	})
}
