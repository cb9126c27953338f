package resource_test

import (
	"testing"
	"testing/synctest"

	"github.com/hearthd/hearth"
)

const provisioned = "/2019-09-30/functions/f/provisioned-concurrency"

// inProgress is provisioned concurrency that is on its way since the first moment
// of a bubble, as it is read.
const inProgress = `{"RequestedProvisionedConcurrentExecutions":3,"AvailableProvisionedConcurrentExecutions":0,"AllocatedProvisionedConcurrentExecutions":0,"Status":"IN_PROGRESS","LastModified":"2000-01-01T00:00:00+0000"}`

func TestProvisioned_IsSetShownAndTakenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t)
		f.answers("PUT", provisioned+"?Qualifier=1", `{"ProvisionedConcurrentExecutions":3}`, 202,
			`{"RequestedProvisionedConcurrentExecutions":3,"AllocatedProvisionedConcurrentExecutions":0,"AvailableProvisionedConcurrentExecutions":0,"Status":"IN_PROGRESS","LastModified":"2000-01-01T00:00:00+0000"}`)
		f.progress = hearth.Provisioning{Allocated: 3, Available: 0, Status: hearth.ProvisioningInProgress}
		f.answers("GET", provisioned+"?Qualifier=1", "", 200, inProgress)
		f.progress = hearth.Provisioning{Allocated: 3, Available: 3, Status: hearth.ProvisioningReady}
		f.answers("GET", provisioned+"?Qualifier=1", "", 200,
			`{"RequestedProvisionedConcurrentExecutions":3,"AvailableProvisionedConcurrentExecutions":3,"AllocatedProvisionedConcurrentExecutions":3,"Status":"READY","LastModified":"2000-01-01T00:00:00+0000"}`)
		f.progress = hearth.Provisioning{Status: hearth.ProvisioningFailed, Reason: "FUNCTION_ERROR_INIT_FAILURE"}
		f.answers("GET", provisioned+"?Qualifier=1", "", 200,
			`{"RequestedProvisionedConcurrentExecutions":3,"AvailableProvisionedConcurrentExecutions":0,"AllocatedProvisionedConcurrentExecutions":0,"Status":"FAILED","StatusReason":"FUNCTION_ERROR_INIT_FAILURE","LastModified":"2000-01-01T00:00:00+0000"}`)
		for range 2 { // the second time there is nothing to delete
			f.answers("DELETE", provisioned+"?Qualifier=1", "", 204, "")
		}
		f.answers("GET", provisioned+"?Qualifier=1", "", 404, `{"Type":"User","message":"No Provisioned Concurrency Config found for this function"}`)
	})
}

func TestProvisioned_IsListedInPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t)
		f.answers("GET", provisioned+"?List=ALL", "", 200, `{"ProvisionedConcurrencyConfigs":[]}`)
		f.alias("live", "2")
		f.progress = hearth.Provisioning{Status: hearth.ProvisioningInProgress}
		for _, qualifier := range []string{"1", "live"} {
			f.do("PUT", provisioned+"?Qualifier="+qualifier, `{"ProvisionedConcurrentExecutions":3}`)
		}
		item := func(qualifier string) string {
			return `{"FunctionArn":"` + functionF + ":" + qualifier + `",` + inProgress[1:]
		}
		f.answers("GET", provisioned+"?List=ALL&MaxItems=1", "", 200, `{"ProvisionedConcurrencyConfigs":[`+item("1")+`],"NextMarker":"1"}`)
		f.answers("GET", provisioned+"?List=ALL&MaxItems=1&Marker=1", "", 200, `{"ProvisionedConcurrencyConfigs":[`+item("live")+`]}`)
	})
}

func TestProvisioned_OfLatest_IsRefused(t *testing.T) {
	f := serve(t)
	const code = "InvalidParameterValueException"
	f.refused("PUT", provisioned+"?Qualifier=$LATEST", `{"ProvisionedConcurrentExecutions":1}`, 400, code,
		"Provisioned Concurrency Configs cannot be applied to unpublished function versions.")
	for _, method := range []string{"GET", "DELETE"} {
		f.refused(method, provisioned+"?Qualifier=$LATEST", "", 400, code, "The function resource provided must be an alias or a published version.")
	}
}

func TestProvisioned_OfWhatIsMissing(t *testing.T) {
	f := serve(t)
	const code = "ResourceNotFoundException"
	f.refused("PUT", provisioned+"?Qualifier=7", `{"ProvisionedConcurrentExecutions":1}`, 404, code, "Function not found: "+functionF+":7")
	f.refused("PUT", provisioned+"?Qualifier=none", `{"ProvisionedConcurrentExecutions":1}`, 404, code, "Cannot find alias arn: "+functionF+":none")
	f.refused("GET", "/2019-09-30/functions/none/provisioned-concurrency?List=ALL", "", 404, code, "Function not found: "+lambdas+"function:none")
	f.refused("DELETE", "/2019-09-30/functions/none/provisioned-concurrency?Qualifier=1", "", 404, code, "Function not found: "+lambdas+"function:none:1")
}

func TestProvisioned_OfAVersionTwice_IsRefused(t *testing.T) {
	f := serve(t)
	f.alias("live", "1")
	f.do("PUT", provisioned+"?Qualifier=1", `{"ProvisionedConcurrentExecutions":1}`)
	f.refused("PUT", provisioned+"?Qualifier=live", `{"ProvisionedConcurrentExecutions":1}`, 409, "ResourceConflictException",
		"Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version")
	f.do("DELETE", provisioned+"?Qualifier=1", "")
	f.do("PUT", provisioned+"?Qualifier=live", `{"ProvisionedConcurrentExecutions":1}`)
	f.refused("PUT", provisioned+"?Qualifier=1", `{"ProvisionedConcurrentExecutions":1}`, 409, "ResourceConflictException",
		"Version is pointed by a Provisioned Concurrency alias")
	if w := f.do("PUT", provisioned+"?Qualifier=2", `{"ProvisionedConcurrentExecutions":1}`); w.Code != 202 {
		t.Errorf("the other version: %d %s", w.Code, w.Body)
	}
}

func TestProvisioned_IsPartOfTheReserve(t *testing.T) {
	f := serve(t)
	f.do("PUT", reserve, `{"ReservedConcurrentExecutions":5}`)
	if w := f.do("PUT", provisioned+"?Qualifier=1", `{"ProvisionedConcurrentExecutions":3}`); w.Code != 202 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	f.refused("PUT", provisioned+"?Qualifier=2", `{"ProvisionedConcurrentExecutions":3}`, 400, "InvalidParameterValueException",
		"Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function")
}

func TestProvisioned_LeavesTheOthersTheirMinimum(t *testing.T) {
	f := serve(t)
	f.answers("PUT", provisioned+"?Qualifier=1", `{"ProvisionedConcurrentExecutions":1001}`, 400,
		`{"message":"Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [1000]."}`)
	f.answers("PUT", provisioned+"?Qualifier=1", `{"ProvisionedConcurrentExecutions":901}`, 400,
		`{"message":"Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."}`)
	for range 2 { // what it has counts no more
		if w := f.do("PUT", provisioned+"?Qualifier=1", `{"ProvisionedConcurrentExecutions":900}`); w.Code != 202 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
}

func TestProvisioned_StoreFails(t *testing.T) {
	f := serve(t)
	f.alias("live", "1")
	f.fail(&f.stores.provisioned.Err,
		request{"PUT", provisioned + "?Qualifier=1", `{"ProvisionedConcurrentExecutions":1}`},
		request{"PUT", provisioned + "?Qualifier=live", `{"ProvisionedConcurrentExecutions":1}`},
		request{"GET", provisioned + "?Qualifier=1", ""}, request{"DELETE", provisioned + "?Qualifier=1", ""},
		request{"GET", provisioned + "?List=ALL", ""})
	f.fail(&f.stores.reserved.Err, request{"PUT", provisioned + "?Qualifier=1", `{"ProvisionedConcurrentExecutions":1}`})
}
