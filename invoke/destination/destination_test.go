package destination_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/destination"
)

var (
	fn    = hearth.Name{Account: "123456789012", Region: "eu-west-1", Function: "f"}
	at    = time.Date(2026, 3, 1, 12, 30, 15, 678_900_000, time.FixedZone("", 3600))
	rules = destination.Rules{OnSuccess: "arn:success", OnFailure: "arn:failure", DeadLetter: "arn:dead"}
)

func failed() destination.Outcome {
	return destination.Outcome{
		RequestID: "id", Name: fn, Condition: destination.RetriesExhausted, Invokes: 3, Payload: []byte(`{"a": "<b>"}`),
		Result: &hearth.Result{Payload: []byte(`{"errorMessage":"no","errorType":"E"}`), FunctionError: hearth.Unhandled, ExecutedVersion: "7"},
	}
}

func deliveries(t *testing.T, o destination.Outcome, r destination.Rules) []destination.Delivery {
	t.Helper()
	all, err := destination.Deliveries(o, r, at)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// want compares one delivery's target and body.
func want(t *testing.T, d destination.Delivery, target, body string) {
	t.Helper()
	if d.Target != target {
		t.Errorf("target %s, want %s", d.Target, target)
	}
	if diff := cmp.Diff(body, string(d.Body)); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func TestDeliveries_Failure_GoToDestinationAndDeadLetter(t *testing.T) {
	all := deliveries(t, failed(), rules)
	if len(all) != 2 {
		t.Fatalf("%d deliveries", len(all))
	}
	want(t, all[0], "arn:failure", `{"version":"1.0","timestamp":"2026-03-01T11:30:15.678Z",`+
		`"requestContext":{"requestId":"id","functionArn":"arn:aws:lambda:eu-west-1:123456789012:function:f:$LATEST","condition":"RetriesExhausted","approximateInvokeCount":3},`+
		`"requestPayload":{"a":"<b>"},"responseContext":{"statusCode":200,"executedVersion":"7","functionError":"Unhandled"},`+
		`"responsePayload":{"errorMessage":"no","errorType":"E"}}`)
	want(t, all[1], "arn:dead", `{"a": "<b>"}`)
	if diff := cmp.Diff([]destination.Attribute{
		{"RequestID", "String", "id"}, {"ErrorCode", "Number", "200"}, {"ErrorMessage", "String", "no"},
	}, all[1].Attributes); diff != "" {
		t.Error(diff)
	}
}

func TestDeliveries_Success_GoesToItsDestinationOnly(t *testing.T) {
	all := deliveries(t, destination.Outcome{
		RequestID: "id", Name: fn, Qualifier: "live", Condition: destination.Success, Invokes: 1, Payload: []byte(`1`),
		Result: &hearth.Result{Payload: []byte(`null`), ExecutedVersion: "2"},
	}, rules)
	if len(all) != 1 {
		t.Fatalf("%d deliveries", len(all))
	}
	want(t, all[0], "arn:success", `{"version":"1.0","timestamp":"2026-03-01T11:30:15.678Z",`+
		`"requestContext":{"requestId":"id","functionArn":"arn:aws:lambda:eu-west-1:123456789012:function:f:live","condition":"Success","approximateInvokeCount":1},`+
		`"requestPayload":1,"responseContext":{"statusCode":200,"executedVersion":"2"},"responsePayload":null}`)
}

func TestDeliveries_NeverRun_HasNoResponse(t *testing.T) {
	all := deliveries(t, destination.Outcome{
		RequestID: "id", Name: fn, Condition: destination.ZeroReservedConcurrency, Payload: []byte(`{}`),
	}, destination.Rules{OnFailure: "arn:failure"})
	if len(all) != 1 {
		t.Fatalf("%d deliveries", len(all))
	}
	want(t, all[0], "arn:failure", `{"version":"1.0","timestamp":"2026-03-01T11:30:15.678Z",`+
		`"requestContext":{"requestId":"id","functionArn":"arn:aws:lambda:eu-west-1:123456789012:function:f:$LATEST","condition":"ZeroReservedConcurrency","approximateInvokeCount":0},`+
		`"requestPayload":{}}`)
}

func TestDeliveries_NobodyToTell_AreNone(t *testing.T) {
	if all := deliveries(t, failed(), destination.Rules{OnSuccess: "arn:success"}); len(all) != 0 {
		t.Errorf("got %v", all)
	}
}

func TestDeliveries_RawResponse_IsAString(t *testing.T) {
	o := failed()
	o.Result.Payload = []byte("not \"JSON\"\xff")
	var got struct{ ResponsePayload string }
	if err := json.Unmarshal(deliveries(t, o, rules)[0].Body, &got); err != nil || got.ResponsePayload != "not \"JSON\"\ufffd" {
		t.Errorf("%q, %v", got.ResponsePayload, err)
	}
}

func TestDeliveries_TooLarge_LeaveOutTheResponseFirst(t *testing.T) {
	o := failed()
	long := append(append([]byte{'"'}, bytes.Repeat([]byte("x"), destination.MaxBody*3/4)...), '"')
	o.Payload, o.Result.Payload = long, long
	var got struct{ RequestPayload, ResponsePayload, ResponseContext json.RawMessage }
	body := deliveries(t, o, rules)[0].Body
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if len(body) > destination.MaxBody || got.ResponsePayload != nil || len(got.RequestPayload) != len(long) || got.ResponseContext == nil {
		t.Errorf("%d bytes, request %d, response %d", len(body), len(got.RequestPayload), len(got.ResponsePayload))
	}
}

func TestFunctionTarget(t *testing.T) {
	for arn, want := range map[string]string{
		"arn:aws:lambda:eu-west-1:123456789012:function:f":          "123456789012/eu-west-1/f ",
		"arn:aws-cn:lambda:cn-north-1:123456789012:function:f:live": "123456789012/cn-north-1/f live",
		"arn:aws:sqs:eu-west-1:123456789012:q":                      "",
		"arn:aws:lambda:eu-west-1:123456789012:layer:f:1":           "",
		"arn:aws:lambda:::function:f":                               "",
		"f":                                                         "",
		"":                                                          "",
	} {
		name, qualifier, ok := destination.FunctionTarget(arn)
		got := ""
		if ok {
			got = name.String() + " " + qualifier
		}
		if got != want {
			t.Errorf("%s: %q, want %q", arn, got, want)
		}
	}
}

func TestDeliveries_LongErrorMessage_IsCut(t *testing.T) {
	o := failed()
	o.Result.Payload = []byte(`{"errorMessage":"` + strings.Repeat("é", 1000) + `"}`)
	all := deliveries(t, o, destination.Rules{DeadLetter: "arn:dead"})
	if got := all[0].Attributes[2].Value; len(got) > 1024 || got != strings.Repeat("é", 512) {
		t.Errorf("%d bytes", len(got))
	}
}
