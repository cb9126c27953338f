package resource_test

import (
	"testing"

	"github.com/hearthd/hearth"
)

const (
	reserve     = "/2017-10-31/functions/f/concurrency"
	getReserved = "/2019-09-30/functions/f/concurrency"
)

func TestReserved_IsSetShownAndGivenBack(t *testing.T) {
	f := serve(t)
	f.answers("GET", getReserved, "", 200, `{}`)
	f.answers("PUT", reserve, `{"ReservedConcurrentExecutions":5}`, 200, `{"ReservedConcurrentExecutions":5}`)
	f.answers("PUT", reserve, `{"ReservedConcurrentExecutions":0}`, 200, `{"ReservedConcurrentExecutions":0}`)
	f.answers("GET", getReserved, "", 200, `{"ReservedConcurrentExecutions":0}`)
	for range 2 { // the second time there is nothing to delete
		f.answers("DELETE", reserve, "", 204, "")
	}
	f.answers("GET", getReserved, "", 200, `{}`)
}

func TestReserved_IsWhatGetFunctionShows(t *testing.T) {
	f := serve(t)
	n, err := f.service.Concurrency().Reserved(t.Context(), nameOf("f"))
	if n != nil || err != nil {
		t.Errorf("before: %v, %v", n, err)
	}
	f.do("PUT", reserve, `{"ReservedConcurrentExecutions":5}`)
	n, err = f.service.Concurrency().Reserved(t.Context(), nameOf("f"))
	if err != nil || n == nil || *n != 5 {
		t.Errorf("after: %v, %v", n, err)
	}
}

func TestReserved_LeavesTheOthersTheirMinimum(t *testing.T) {
	f := serve(t)
	const tooMuch = `{"message":"Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."}`
	f.answers("PUT", reserve, `{"ReservedConcurrentExecutions":901}`, 400, tooMuch)
	f.answers("PUT", reserve, `{"ReservedConcurrentExecutions":900}`, 200, `{"ReservedConcurrentExecutions":900}`)
	f.answers("PUT", reserve, `{"ReservedConcurrentExecutions":899}`, 200, `{"ReservedConcurrentExecutions":899}`) // its own counts no more
	f.answers("PUT", "/2017-10-31/functions/g/concurrency", `{"ReservedConcurrentExecutions":2}`, 400, tooMuch)
	f.answers("PUT", "/2017-10-31/functions/g/concurrency", `{"ReservedConcurrentExecutions":1}`, 200, `{"ReservedConcurrentExecutions":1}`)
}

func TestReserved_HoldsWhatIsProvisioned(t *testing.T) {
	f := serve(t)
	f.do("PUT", provisioned+"?Qualifier=1", `{"ProvisionedConcurrentExecutions":3}`)
	f.answers("PUT", reserve, `{"ReservedConcurrentExecutions":2}`, 400,
		`{"message":" ReservedConcurrentExecutions  2 should not be lower than function's total provisioned concurrency [3]."}`)
	// What is provisioned is part of the reserve, and comes off nothing else.
	f.answers("PUT", reserve, `{"ReservedConcurrentExecutions":900}`, 200, `{"ReservedConcurrentExecutions":900}`)
}

func TestReserved_Mistakes(t *testing.T) {
	f := serve(t)
	for _, r := range []request{
		{"PUT", "/2017-10-31/functions/f:1/concurrency", `{"ReservedConcurrentExecutions":1}`},
		{"GET", "/2019-09-30/functions/f:1/concurrency", ""}, {"DELETE", "/2017-10-31/functions/f:1/concurrency", ""},
	} {
		f.refused(r[0], r[1], r[2], 400, "InvalidParameterValueException", "This operation is permitted on Lambda functions only.")
	}
	f.refused("PUT", "/2017-10-31/functions/none/concurrency", `{"ReservedConcurrentExecutions":1}`,
		404, "ResourceNotFoundException", "Function not found: "+lambdas+"function:none:$LATEST")
	f.refused("GET", "/2019-09-30/functions/none/concurrency", "", 404, "ResourceNotFoundException", `Function not found: `+lambdas+`function:none"`)
	f.refused("DELETE", "/2017-10-31/functions/none/concurrency", "", 404, "ResourceNotFoundException", `Function not found: `+lambdas+`function:none"`)
	f.refused("PUT", reserve, `{"ReservedConcurrentExecutions":-1}`, 400, "ValidationException", "reservedConcurrentExecutions")
}

func TestReserved_StoreFails(t *testing.T) {
	f := serve(t)
	f.fail(&f.stores.reserved.Err,
		request{"PUT", reserve, `{"ReservedConcurrentExecutions":1}`}, request{"GET", getReserved, ""}, request{"DELETE", reserve, ""})
	f.fail(&f.stores.provisioned.Err, request{"PUT", reserve, `{"ReservedConcurrentExecutions":1}`})
	if _, err := f.stores.reserved.Get(t.Context(), nameOf("f"), ""); err == nil {
		t.Error("something is reserved")
	}
	f.stores.reserved.Err = hearth.ErrThrottled
	if _, err := f.service.Concurrency().Reserved(t.Context(), nameOf("f")); err == nil {
		t.Error("no error of the store")
	}
}
