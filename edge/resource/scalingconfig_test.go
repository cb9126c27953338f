package resource_test

import "testing"

const (
	scalingConfig = "/2025-11-30/functions/h/function-scaling-config"
	versionH      = lambdas + "function:h:1"
)

func TestScalingConfig_IsSetShownAndReset(t *testing.T) {
	f := serve(t)
	f.manage()
	f.answers("GET", scalingConfig+"?Qualifier=1", "", 200, `{"FunctionArn":"`+versionH+`"}`)
	f.answers("PUT", scalingConfig+"?Qualifier=1", `{"FunctionScalingConfig":{"MinExecutionEnvironments":1,"MaxExecutionEnvironments":5}}`, 202, `{"FunctionState":"Active"}`)
	const both = `{"MinExecutionEnvironments":1,"MaxExecutionEnvironments":5}`
	f.answers("GET", scalingConfig+"?Qualifier=1", "", 200,
		`{"FunctionArn":"`+versionH+`","AppliedFunctionScalingConfig":`+both+`,"RequestedFunctionScalingConfig":`+both+`}`)
	f.answers("PUT", scalingConfig+"?Qualifier=1", `{"FunctionScalingConfig":{"MinExecutionEnvironments":2}}`, 202, `{"FunctionState":"Active"}`)
	const minimum = `{"MinExecutionEnvironments":2}`
	f.answers("GET", scalingConfig+"?Qualifier=1", "", 200,
		`{"FunctionArn":"`+versionH+`","AppliedFunctionScalingConfig":`+minimum+`,"RequestedFunctionScalingConfig":`+minimum+`}`)
	for range 2 { // the second time there is nothing to delete
		f.answers("PUT", scalingConfig+"?Qualifier=1", `{}`, 202, `{"FunctionState":"Active"}`)
	}
	f.answers("GET", scalingConfig+"?Qualifier=1", "", 200, `{"FunctionArn":"`+versionH+`"}`)
}

func TestScalingConfig_Mistakes(t *testing.T) {
	f := serve(t)
	f.manage()
	const invalid = "InvalidParameterValueException"
	f.refused("PUT", scalingConfig+"?Qualifier=1", `{"FunctionScalingConfig":{"MinExecutionEnvironments":2,"MaxExecutionEnvironments":1}}`,
		400, invalid, "MinExecutionEnvironments must not be greater than MaxExecutionEnvironments.")
	f.refused("GET", scalingConfig+"?Qualifier=live", "", 400, "ValidationException", "Value 'live' at 'qualifier'")
	f.refused("GET", scalingConfig+"?Qualifier=3", "", 404, "ResourceNotFoundException", "Function not found: "+lambdas+"function:h:3")
	f.refused("PUT", "/2025-11-30/functions/f/function-scaling-config?Qualifier=1", `{}`,
		400, invalid, "Scaling configs are supported for functions with a CapacityProviderConfig only.")
}

func TestScalingConfig_StoreFails(t *testing.T) {
	f := serve(t)
	f.manage()
	f.fail(&f.stores.scaling.Err, request{"GET", scalingConfig + "?Qualifier=1", ""}, request{"PUT", scalingConfig + "?Qualifier=1", `{}`},
		request{"PUT", scalingConfig + "?Qualifier=1", `{"FunctionScalingConfig":{"MinExecutionEnvironments":1}}`})
}
