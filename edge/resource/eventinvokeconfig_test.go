package resource_test

import (
	"testing"
	"testing/synctest"
)

const eventInvoke = "/2019-09-25/functions/f/event-invoke-config"

// eventConfig is a configuration of f as it is shown, at the first moment of a
// bubble.
func eventConfig(qualifier, members, onSuccess, onFailure string) string {
	return `{"LastModified":946684800,"FunctionArn":"` + functionF + ":" + qualifier + `",` + members +
		`"DestinationConfig":{"OnSuccess":{` + onSuccess + `},"OnFailure":{` + onFailure + `}}}`
}

func TestEventInvokeConfig_PutReplacesAndUpdateMerges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t)
		const destination = `"Destination":"arn:aws:sqs:us-east-1:000000000000:q"`
		f.answers("PUT", eventInvoke, `{"MaximumRetryAttempts":1,"DestinationConfig":{"OnFailure":{`+destination+`}}}`, 200,
			eventConfig("$LATEST", `"MaximumRetryAttempts":1,`, "", destination))
		merged := eventConfig("$LATEST", `"MaximumRetryAttempts":1,"MaximumEventAgeInSeconds":60,`, "", destination)
		f.answers("POST", eventInvoke, `{"MaximumEventAgeInSeconds":60}`, 200, merged)
		f.answers("GET", eventInvoke+"?Qualifier=$LATEST", "", 200, merged)
		f.answers("PUT", eventInvoke, `{"MaximumRetryAttempts":0}`, 200, eventConfig("$LATEST", `"MaximumRetryAttempts":0,`, "", ""))
	})
}

func TestEventInvokeConfig_IsListedInPagesAndDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t)
		f.alias("live", "1")
		f.answers("GET", eventInvoke+"/list", "", 200, `{"FunctionEventInvokeConfigs":[]}`)
		for _, qualifier := range []string{"1", "live"} {
			f.do("PUT", eventInvoke+"?Qualifier="+qualifier, `{"MaximumRetryAttempts":0}`)
		}
		f.answers("GET", eventInvoke+"/list?MaxItems=1", "", 200,
			`{"FunctionEventInvokeConfigs":[`+eventConfig("1", `"MaximumRetryAttempts":0,`, "", "")+`],"NextMarker":"1"}`)
		f.answers("GET", eventInvoke+"/list?MaxItems=1&Marker=1", "", 200,
			`{"FunctionEventInvokeConfigs":[`+eventConfig("live", `"MaximumRetryAttempts":0,`, "", "")+`]}`)
		f.answers("DELETE", eventInvoke+"?Qualifier=live", "", 204, "")
		none := `{"Message":"The function ` + functionF + `:live doesn't have an EventInvokeConfig","Type":"User"}`
		f.answers("DELETE", eventInvoke+"?Qualifier=live", "", 404, none)
		f.answers("GET", eventInvoke+"?Qualifier=live", "", 404, none)
		f.answers("POST", eventInvoke+"?Qualifier=live", `{"MaximumRetryAttempts":0}`, 404, none)
	})
}

func TestEventInvokeConfig_Mistakes(t *testing.T) {
	f := serve(t)
	f.refused("PUT", eventInvoke, `{}`, 400, "InvalidParameterValueException", "You must specify at least one of error handling or destination setting.")
	const missing = "The function doesn't exist."
	f.refused("PUT", eventInvoke+"?Qualifier=7", `{"MaximumRetryAttempts":0}`, 404, "ResourceNotFoundException", missing)
	f.refused("POST", eventInvoke+"?Qualifier=none", `{"MaximumRetryAttempts":0}`, 404, "ResourceNotFoundException", missing)
	f.refused("GET", "/2019-09-25/functions/none/event-invoke-config/list", "", 404, "ResourceNotFoundException", missing)
}

func TestEventInvokeConfig_StoreFails(t *testing.T) {
	f := serve(t)
	f.fail(&f.stores.events.Err,
		request{"PUT", eventInvoke, `{"MaximumRetryAttempts":0}`}, request{"POST", eventInvoke, `{"MaximumRetryAttempts":0}`},
		request{"GET", eventInvoke, ""}, request{"DELETE", eventInvoke, ""}, request{"GET", eventInvoke + "/list", ""})
}
