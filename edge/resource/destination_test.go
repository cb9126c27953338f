package resource_test

import "testing"

func TestDestinations_OfKnownKinds_AreTaken(t *testing.T) {
	f := serve(t)
	f.alias("live", "1")
	for _, arn := range []string{
		"arn:aws:sqs:us-east-1:000000000000:q", "arn:aws:sns:us-east-1:000000000000:t", "arn:aws:events:us-east-1:000000000000:event-bus/b",
		lambdas + "function:g", "",
	} {
		body := `{"DestinationConfig":{"OnSuccess":{"Destination":"` + arn + `"}}}`
		if w := f.do("PUT", eventInvoke, body); w.Code != 200 {
			t.Errorf("%q: %d %s", arn, w.Code, w.Body)
		}
	}
	if w := f.do("PUT", eventInvoke, `{"DestinationConfig":{"OnFailure":{"Destination":"arn:aws:s3:::bucket"}}}`); w.Code != 200 {
		t.Errorf("a bucket for failures: %d %s", w.Code, w.Body)
	}
}

func TestDestinations_Mistakes(t *testing.T) {
	f := serve(t)
	const bucket, stream = "arn:aws:s3:::bucket", "arn:aws:kinesis:us-east-1:000000000000:stream/s"
	for arn, want := range map[string]string{
		lambdas + "function:none": "The destination ARN " + lambdas + "function:none is invalid.",
		lambdas + "function:g:7":  "The destination ARN " + lambdas + "function:g:7 is invalid.",
		lambdas + "layer:l":       "The destination ARN " + lambdas + "layer:l is invalid.",
		functionF:                 "You can't specify the function as a destination for itself.",
		bucket:                    "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=" + bucket + "), onFailure=null) is invalid.",
		stream:                    "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=" + stream + "), onFailure=null) is invalid.",
	} {
		f.refused("PUT", eventInvoke, `{"DestinationConfig":{"OnSuccess":{"Destination":"`+arn+`"}}}`, 400, "InvalidParameterValueException", want)
	}
	f.refused("PUT", eventInvoke, `{"DestinationConfig":{"OnSuccess":{},"OnFailure":{"Destination":"`+stream+`"}}}`, 400, "InvalidParameterValueException",
		"DestinationConfig(onSuccess=OnSuccess(destination=null), onFailure=OnFailure(destination="+stream+")) is invalid.")
}
