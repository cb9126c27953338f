package resource_test

import (
	"slices"
	"strings"
	"testing"
)

func TestDurableExecutions_EveryOperationIsNotImplemented(t *testing.T) {
	f := serve(t)
	const (
		execution = "/2025-12-01/durable-executions/" + functionF + ":1%2Fdurable-execution%2Fname%2F4f0c1a9e-7f54-3c1b-8f4d-3a4c2a8d1e11"
		callback  = "/2025-12-01/durable-execution-callbacks/QUJDREVGR0g="
	)
	sent := map[string]request{
		"CheckpointDurableExecution":            {"POST", execution + "/checkpoint", `{"CheckpointToken":"dG9rZW4="}`},
		"GetDurableExecution":                   {"GET", execution, ""},
		"GetDurableExecutionHistory":            {"GET", execution + "/history", ""},
		"GetDurableExecutionState":              {"GET", execution + "/state?CheckpointToken=dG9rZW4=", ""},
		"StopDurableExecution":                  {"POST", execution + "/stop", `{}`},
		"ListDurableExecutionsByFunction":       {"GET", "/2025-12-01/functions/f/durable-executions", ""},
		"SendDurableExecutionCallbackSuccess":   {"POST", callback + "/succeed", `{}`},
		"SendDurableExecutionCallbackFailure":   {"POST", callback + "/fail", `{}`},
		"SendDurableExecutionCallbackHeartbeat": {"POST", callback + "/heartbeat", ""},
	}
	for operation, r := range sent {
		f.refused(r[0], r[1], r[2], 501, "NotImplementedException",
			"The operation "+operation+" is part of the Lambda API, but this version of hearth has no durable executions.")
	}
	if all := slices.DeleteFunc(f.router.Operations(), func(op string) bool { return !strings.Contains(op, "Durable") }); len(all) != len(sent) {
		t.Errorf("%d operations sent, there are %v", len(sent), all)
	}
}

func TestDurableExecutions_ModelIsCheckedFirst(t *testing.T) {
	f := serve(t)
	f.refused("GET", "/2025-12-01/functions/f/durable-executions?MaxItems=5000", "", 400, "ValidationException", "maxItems")
}
