package clients_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"
)

// entry is one of a function's log.
type entry struct{ Stream, Message string }

// entries are what is in the function's log now.
func (f function) entries(t *testing.T) []entry {
	t.Helper()
	var entries []entry
	for line := range strings.Lines(f.d.get(t, "/_hearth/logs?function="+f.name)) {
		entries = append(entries, decode[entry](t, line))
	}
	return entries
}

// logsJSON holds a function whose log is in JSON to the records that its client
// writes on {"do":"log"}, by their messages. Of a record, what want has counts;
// ID stands for the request id. A nil want is a record that there must not be.
func logsJSON(t *testing.T, fn function, level types.ApplicationLogLevel, want map[string]map[string]any) {
	t.Helper()
	fn.configure(t, func(in *lambda.UpdateFunctionConfigurationInput) {
		in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatJson, ApplicationLogLevel: level}
	})
	id := fn.invoke(t, `{"do":"log"}`).RequestID
	fn.awaitLog(t, `"type":"platform.report","record":{"requestId":"`+id)
	got := map[string]map[string]any{}
	for _, entry := range fn.entries(t) {
		for _, record := range jsonLines(entry.Message) {
			if message, ok := record["message"].(string); ok && strings.Contains(entry.Message, id) {
				got[strings.TrimSpace(message)] = record
			}
		}
	}
	for message, members := range want {
		record, ok := got[message]
		if ok != (members != nil) {
			t.Errorf("level %s: is there a record %q: %v\n%s", level, message, ok, fn.log(t))
		}
		for name, value := range members {
			if value == "ID" {
				value = id
			}
			if diff := cmp.Diff(value, record[name]); diff != "" {
				t.Errorf("%s of %q (-want +got):\n%s", name, message, diff)
			}
		}
	}
}

// logsFramed runs a client in place of the bootstrap of a managed runtime, whose
// log is framed: what is logged at once is one entry, whatever it holds. The
// client and the function are in the package, with a bootstrap that starts them.
func logsFramed(t *testing.T, pkg, runtime string) {
	fn, err := sandboxed.tryDeploy(t, pkg, "app.handler", runtime, timeoutSeconds)
	if err != nil {
		t.Fatal(err)
	}
	fn.configure(t, func(in *lambda.UpdateFunctionConfigurationInput) {
		in.Environment = &types.Environment{Variables: map[string]string{"AWS_LAMBDA_EXEC_WRAPPER": "/var/task/bootstrap"}}
	})
	res := fn.invoke(t, `{"do":"lines"}`)
	if res.Payload != "null" || res.FunctionError != "" {
		t.Fatalf("payload %s %s, want null", res.Payload, res.FunctionError)
	}
	fn.awaitLog(t, "REPORT RequestId: "+res.RequestID)
	framed := 0
	for _, entry := range fn.entries(t) {
		if strings.Contains(entry.Message, res.RequestID) && strings.Contains(entry.Message, "\tone\ntwo") {
			framed++
		}
	}
	if framed != 1 {
		t.Errorf("%d entries have both lines:\n%s", framed, fn.log(t))
	}
}
