package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"
)

// deleteFunction deletes the function that the test's events are for.
func (a *async) deleteFunction() {
	a.Helper()
	if _, err := a.d.client().DeleteFunction(ctxFor(a.T), &lambda.DeleteFunctionInput{FunctionName: &a.fn.name}); err != nil {
		a.Fatal(err)
	}
}

// updateCode replaces the code of the function by one that notes another Code
// and does not fail.
func (a *async) updateCode(code string) {
	a.Helper()
	better := strings.NewReplacer("event.get(\"fail\")", "False", "first", code).Replace(asyncHandler)
	if _, err := a.d.client().UpdateFunctionCode(ctxFor(a.T), &lambda.UpdateFunctionCodeInput{
		FunctionName: &a.fn.name, ZipFile: files{"app.py": better}.zip(a.T),
	}); err != nil {
		a.Fatal(err)
	}
	eventually(a.T, "update", func() bool {
		out, err := a.d.client().GetFunctionConfiguration(ctxFor(a.T), &lambda.GetFunctionConfigurationInput{FunctionName: &a.fn.name})
		return err == nil && out.LastUpdateStatus == types.LastUpdateStatusSuccessful
	})
}

// wantCodes compares the Code that each run noted.
func (a *async) wantCodes(want ...string) {
	a.Helper()
	var got []string
	for _, r := range a.ran() {
		got = append(got, r.Code)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		a.Errorf("code of the runs (-want +got):\n%s", diff)
	}
}

func TestEvent_OfADeletedFunction_IsNotRunByTheNextOfItsName(t *testing.T) {
	a := startAsync(t)
	a.send(`{"fail": true}`)
	a.advance("0s")
	a.deleteFunction()
	a.fn = a.function()
	told := a.function(named("told")) // by the second, not by the first
	a.configure(&lambda.PutFunctionEventInvokeConfigInput{DestinationConfig: destinations(told, told)})
	own := a.send(`{"n": 1}`)
	if err := a.d.kill(); err != nil {
		t.Fatal(err)
	}
	if err := a.d.start(); err != nil {
		t.Fatal(err)
	}
	a.advance("10h")
	runs := a.ran()
	if len(runs) != 3 || runs[1].ID != own || runs[2].Function != told.name {
		t.Errorf("%+v", runs)
	}
	p := hearth(t, nil, "events", "--json", "--endpoint", a.d.endpoint)
	var counts struct{ Dropped, Succeeded int }
	if err := json.Unmarshal([]byte(p.stdout), &counts); err != nil || counts.Dropped != 1 || counts.Succeeded != 2 {
		t.Errorf("%+v, %v: %s%s", counts, err, p.stdout, p.stderr)
	}
}

func TestEvent_OfAnAliasThatWasMoved_RunsOnItsNewVersion(t *testing.T) {
	a := startAsync(t)
	client := a.d.client()
	publish := func() {
		if _, err := client.PublishVersion(ctxFor(t), &lambda.PublishVersionInput{FunctionName: &a.fn.name}); err != nil {
			t.Fatal(err)
		}
	}
	publish()
	if _, err := client.CreateAlias(ctxFor(t), &lambda.CreateAliasInput{FunctionName: &a.fn.name, Name: aws.String("live"), FunctionVersion: aws.String("1")}); err != nil {
		t.Fatal(err)
	}
	if _, err := client.Invoke(ctxFor(t), &lambda.InvokeInput{
		FunctionName: &a.fn.name, Qualifier: aws.String("live"), InvocationType: types.InvocationTypeEvent, Payload: []byte(`{"fail": true}`),
	}); err != nil {
		t.Fatal(err)
	}
	a.advance("0s")
	a.updateCode("second")
	publish()
	if _, err := client.UpdateAlias(ctxFor(t), &lambda.UpdateAliasInput{
		FunctionName: &a.fn.name, Name: aws.String("live"), FunctionVersion: aws.String("1"),
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 1}},
	}); err != nil {
		t.Fatal(err)
	}
	a.advance("10h")
	a.wantCodes("first", "second")
}

// tracedHandler sends a segment if its trace is sampled, as the X-Ray SDKs do,
// and fails at first.
const tracedHandler = `import json, os, socket
def handler(event, context):
    with open(os.environ["RUNS"], "a") as runs:
        runs.write(json.dumps({"Function": context.function_name, "ID": context.aws_request_id, "Event": os.environ["_X_AMZN_TRACE_ID"]}) + "\n")
    trace = dict(field.split("=", 1) for field in os.environ["_X_AMZN_TRACE_ID"].split(";"))
    if trace["Sampled"] == "1":
        host, port = os.environ["AWS_XRAY_DAEMON_ADDRESS"].split(":")
        segment = {"name": context.function_name, "id": os.urandom(8).hex(), "trace_id": trace["Root"], "start_time": 1, "end_time": 2}
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sender.sendto(b'{"format": "json", "version": 1}\n' + json.dumps(segment).encode(), (host, int(port)))
    raise Exception("no")
`

// traceFields are what the runs of an event saw in their trace header.
func (a *async) traceFields() (fields []map[string]string) {
	a.Helper()
	for _, r := range a.ran() {
		var header string
		if err := json.Unmarshal(r.Event, &header); err != nil {
			a.Fatal(err)
		}
		one := map[string]string{}
		for field := range strings.SplitSeq(header, ";") {
			key, value, _ := strings.Cut(field, "=")
			one[key] = value
		}
		delete(one, "Lineage")
		fields = append(fields, one)
	}
	return fields
}

func TestXRay_EventOfAFunctionWithActiveTracing_IsSampledInEachAttempt(t *testing.T) {
	a := startAsync(t)
	a.fn = a.d.create(t, a.d.newest(t, "python"), "app.handler", files{"app.py": tracedHandler}, named("active"), environment("RUNS", a.runs),
		func(in *lambda.CreateFunctionInput) {
			in.TracingConfig = &types.TracingConfig{Mode: types.TracingModeActive}
		})
	a.send(`{}`)
	a.advance("10h")
	fields := a.traceFields()
	if len(fields) != 3 || fields[0]["Sampled"] != "1" {
		t.Fatalf("traces of the attempts: %v", fields)
	}
	if diff := cmp.Diff(fields[:1], fields[1:2]); diff != "" {
		t.Errorf("the retry has another trace: %s", diff)
	}
	eventually(t, "find a segment of each attempt", func() bool {
		p := hearth(t, nil, "traces", "--trace-id", fields[0]["Root"], "--json", "--endpoint", a.d.endpoint)
		return strings.Count(p.stdout, `"name":"`+a.fn.name)+strings.Count(p.stdout, `"name": "`+a.fn.name) == 3
	})
}

func TestXRay_EventOfAFunctionWithoutTracing_IsNotSampled(t *testing.T) {
	a := startAsync(t)
	a.fn = a.d.create(t, a.d.newest(t, "python"), "app.handler", files{"app.py": tracedHandler}, named("passive"), environment("RUNS", a.runs))
	a.send(`{}`)
	a.advance("0s")
	if fields := a.traceFields(); len(fields) != 1 || fields[0]["Sampled"] != "0" || fields[0]["Root"] == "" {
		t.Errorf("traces of the attempts: %v", fields)
	}
}
