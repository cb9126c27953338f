package resource_test

import "testing"

const (
	management = "/2021-07-20/functions/f/runtime-management-config"
	runtimeARN = "arn:aws:lambda:us-east-1::runtime:0000000000000000000000000000000000000000000000000000000000000000"
)

func TestRuntimeManagement_IsOfEachVersion(t *testing.T) {
	f := serve(t)
	f.answers("GET", management, "", 200, `{"UpdateRuntimeOn":"Auto","FunctionArn":"`+functionF+`"}`)
	f.answers("PUT", management+"?Qualifier=1", `{"UpdateRuntimeOn":"Manual","RuntimeVersionArn":"`+runtimeARN+`"}`, 200,
		`{"UpdateRuntimeOn":"Manual","FunctionArn":"`+functionF+`:1","RuntimeVersionArn":"`+runtimeARN+`"}`)
	f.answers("PUT", management, `{"UpdateRuntimeOn":"FunctionUpdate"}`, 200, `{"UpdateRuntimeOn":"FunctionUpdate","FunctionArn":"`+functionF+`"}`)
	f.answers("GET", management+"?Qualifier=$LATEST", "", 200, `{"UpdateRuntimeOn":"FunctionUpdate","FunctionArn":"`+functionF+`:$LATEST"}`)
	f.answers("GET", management+"?Qualifier=1", "", 200,
		`{"UpdateRuntimeOn":"Manual","FunctionArn":"`+functionF+`:1","RuntimeVersionArn":"`+runtimeARN+`"}`)
}

func TestRuntimeManagement_Mistakes(t *testing.T) {
	f := serve(t)
	const code = "InvalidParameterValueException"
	f.refused("PUT", management, `{"UpdateRuntimeOn":"Manual"}`, 400, code, "RuntimeVersionArn is required when UpdateRuntimeOn is Manual.")
	f.refused("PUT", management, `{"UpdateRuntimeOn":"Auto","RuntimeVersionArn":"`+runtimeARN+`"}`, 400, code,
		"RuntimeVersionArn is only allowed when UpdateRuntimeOn is Manual.")
	f.refused("GET", "/2021-07-20/functions/f:live/runtime-management-config", "", 400, code, "live is an alias.")
	f.refused("PUT", management+"?Qualifier=7", `{"UpdateRuntimeOn":"Auto"}`, 404, "ResourceNotFoundException", "Function not found: "+functionF+":7")
}

func TestRuntimeManagement_StoreFails(t *testing.T) {
	f := serve(t)
	f.fail(&f.stores.runtimes.Err, request{"GET", management, ""}, request{"PUT", management, `{"UpdateRuntimeOn":"Auto"}`})
}
