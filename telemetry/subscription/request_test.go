package subscription_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/telemetry/schema"
	"github.com/hearthd/hearth/telemetry/subscription"
)

// fresh is a hub that takes subscriptions and delivers nowhere.
func fresh(t testing.TB) *subscription.Hub {
	h := subscription.New(t.Context(), schema.Environment{Function: &hearth.Function{}}, &journal{}, nil)
	h.Connect(&sandbox{})
	t.Cleanup(h.Close)
	return h
}

func TestSubscribe_Body_IsValidated(t *testing.T) {
	const version, types = `"schemaVersion":"2022-12-13",`, `"types":["platform"],`
	http := func(uri string) string { return `"destination":{"protocol":"HTTP","URI":"` + uri + `"}` }
	tests := []struct {
		name, api, body string
		status          int
		want            string // "OK", or an error type
	}{
		{"all", subscription.TelemetryAPI, version + types + destination, 200, `"OK"`},
		{"every buffer", subscription.TelemetryAPI, version + types + `"buffering":{"maxItems":1000,"maxBytes":1048576,"timeoutMs":25},` + destination, 200, `"OK"`},
		{"2025", subscription.TelemetryAPI, `"schemaVersion":"2025-01-29",` + types + destination, 200, `"OK"`},
		{"tcp", subscription.TelemetryAPI, version + types + `"destination":{"protocol":"TCP","port":4243}`, 200, `"OK"`},
		{"logs without version", subscription.LogsAPI, types + destination, 200, `"OK"`},
		{"logs 2021", subscription.LogsAPI, `"schemaVersion":"2021-03-18",` + types + destination, 200, `"OK"`},
		{"no version", subscription.TelemetryAPI, types + destination, 400, "Telemetry.ValidationError"},
		{"version of logs", subscription.TelemetryAPI, `"schemaVersion":"2021-03-18",` + types + destination, 400, "Telemetry.ValidationError"},
		{"version of telemetry", subscription.LogsAPI, version + types + destination, 400, "Logs.ValidationError"},
		{"no types", subscription.TelemetryAPI, version + destination, 400, "Telemetry.ValidationError"},
		{"empty types", subscription.TelemetryAPI, version + `"types":[],` + destination, 400, "Telemetry.ValidationError"},
		{"unknown type", subscription.TelemetryAPI, version + `"types":["kernel"],` + destination, 400, "Telemetry.ValidationError"},
		{"few items", subscription.TelemetryAPI, version + types + `"buffering":{"maxItems":999},` + destination, 400, "Telemetry.ValidationError"},
		{"many items", subscription.TelemetryAPI, version + types + `"buffering":{"maxItems":10001},` + destination, 400, "Telemetry.ValidationError"},
		{"few bytes", subscription.TelemetryAPI, version + types + `"buffering":{"maxBytes":262143},` + destination, 400, "Telemetry.ValidationError"},
		{"many bytes", subscription.TelemetryAPI, version + types + `"buffering":{"maxBytes":1048577},` + destination, 400, "Telemetry.ValidationError"},
		{"short time", subscription.TelemetryAPI, version + types + `"buffering":{"timeoutMs":24},` + destination, 400, "Telemetry.ValidationError"},
		{"long time", subscription.TelemetryAPI, version + types + `"buffering":{"timeoutMs":30001},` + destination, 400, "Telemetry.ValidationError"},
		{"no destination", subscription.TelemetryAPI, version + `"types":["platform"]`, 400, "Telemetry.ValidationError"},
		{"unknown protocol", subscription.TelemetryAPI, version + types + `"destination":{"protocol":"UDP","port":4243}`, 400, "Telemetry.ValidationError"},
		{"tcp without port", subscription.TelemetryAPI, version + types + `"destination":{"protocol":"TCP"}`, 400, "Telemetry.ValidationError"},
		{"port of the Runtime API", subscription.TelemetryAPI, version + types + `"destination":{"protocol":"TCP","port":9001}`, 400, "Telemetry.ValidationError"},
		{"URI of the Runtime API", subscription.TelemetryAPI, version + types + http("http://sandbox.localdomain:9001/"), 400, "Telemetry.ValidationError"},
		{"other host", subscription.TelemetryAPI, version + types + http("http://169.254.169.254/"), 403, "AccessDenied"},
		{"user in the host", subscription.TelemetryAPI, version + types + http("http://sandbox.localdomain@example.com/"), 403, "AccessDenied"},
		{"other scheme", subscription.LogsAPI, types + http("https://sandbox.localdomain:4243/"), 403, "AccessDenied"},
		{"port out of range", subscription.TelemetryAPI, version + types + http("http://sandbox.localdomain:70000/"), 400, "Telemetry.ValidationError"},
		{"number for a string", subscription.TelemetryAPI, `"schemaVersion":1,` + types + destination, 400, "Telemetry.DeserializationError"},
		{"logs, broken", subscription.LogsAPI, `"types":`, 400, "Logs.DeserializationError"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			status, reply := fresh(t).Subscribe("e", test.api, []byte("{"+test.body+"}"))
			if status != test.status || !strings.Contains(string(reply), test.want) {
				t.Errorf("got %d %s, want %d %s", status, reply, test.status, test.want)
			}
		})
	}
}

func FuzzSubscribe(f *testing.F) {
	f.Add(true, []byte(`{"schemaVersion":"2022-12-13","types":["platform"],`+destination+`,"buffering":{"maxItems":1000}}`))
	f.Add(false, []byte(`{"types":["function","extension"],"destination":{"protocol":"TCP","port":4243}}`))
	f.Add(false, []byte(`{"types":["function"],"destination":{"protocol":"HTTP","URI":"http://sandbox:1/%zz"}}`))
	f.Fuzz(func(t *testing.T, telemetry bool, body []byte) {
		api := subscription.LogsAPI
		if telemetry {
			api = subscription.TelemetryAPI
		}
		h := subscription.New(t.Context(), schema.Environment{Function: &hearth.Function{}}, &journal{}, nil)
		defer h.Close()
		h.Connect(&sandbox{})
		status, reply := h.Subscribe("e", api, body)
		if status != 200 && status != 400 && status != 403 || !json.Valid(reply) {
			t.Errorf("%d %s", status, reply)
		}
	})
}
