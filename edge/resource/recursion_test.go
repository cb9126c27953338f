package resource_test

import "testing"

const recursion = "/2024-08-31/functions/f/recursion-config"

func TestRecursion_IsTerminatedUntilAllowed(t *testing.T) {
	f := serve(t)
	f.answers("GET", recursion, "", 200, `{"RecursiveLoop":"Terminate"}`)
	f.answers("PUT", recursion, `{"RecursiveLoop":"Allow"}`, 200, `{"RecursiveLoop":"Allow"}`)
	f.answers("GET", recursion, "", 200, `{"RecursiveLoop":"Allow"}`)
}

func TestRecursion_Mistakes(t *testing.T) {
	f := serve(t)
	const none = "/2024-08-31/functions/none/recursion-config"
	f.refused("GET", none, "", 404, "ResourceNotFoundException", "Function not found: "+lambdas+"function:none")
	f.refused("PUT", none, `{"RecursiveLoop":"Allow"}`, 404, "ResourceNotFoundException", "Function not found: "+lambdas+"function:none")
	f.refused("PUT", recursion, `{"RecursiveLoop":"Sometimes"}`, 400, "ValidationException", "recursiveLoop")
}

func TestRecursion_StoreFails(t *testing.T) {
	f := serve(t)
	f.fail(&f.stores.recursions.Err, request{"GET", recursion, ""}, request{"PUT", recursion, `{"RecursiveLoop":"Allow"}`})
}
