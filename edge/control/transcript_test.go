package control_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

func TestTranscript_Create(t *testing.T) {
	serve(t, func(f *fixture) {
		release := f.host.hold()
		f.do("POST", functions, createBody("f", ""))
		f.do("GET", functions+"/f", "")
		f.do("PUT", functions+"/f/configuration", `{"Timeout":5}`) // refused: Pending
		release()
		f.settle()
		f.do("GET", functions+"/f", "")
		f.do("POST", functions, createBody("f", "")) // refused: exists
		f.golden("create")
	})
}

func TestTranscript_CreateWithEverything(t *testing.T) {
	serve(t, func(f *fixture) {
		f.layers["arn:aws:lambda:us-east-1:000000000000:layer:l:1"] = hearth.Layer{ARN: "arn:aws:lambda:us-east-1:000000000000:layer:l:1", Size: 7}
		f.do("POST", functions, createBody("f", `,"Description":"<all> & more","Timeout":900,"MemorySize":10240,"EphemeralStorage":{"Size":1024},`+
			`"Environment":{"Variables":{"KEY":"1","OTHER":"<&>"}},"Architectures":["arm64"],"TracingConfig":{"Mode":"Active"},`+
			`"LoggingConfig":{"LogFormat":"JSON","LogGroup":"mine"},"DeadLetterConfig":{"TargetArn":"arn:aws:sqs:us-east-1:000000000000:q"},`+
			`"VpcConfig":{"SubnetIds":["subnet-1"],"SecurityGroupIds":["sg-1"]},"KMSKeyArn":"arn:aws:kms:us-east-1:000000000000:key/k",`+
			`"DurableConfig":{"ExecutionTimeout":60},"Layers":["arn:aws:lambda:us-east-1:000000000000:layer:l:1"],"TenancyConfig":{"TenantIsolationMode":"PER_TENANT"},"Tags":{"team":"t"}`))
		f.settle()
		f.do("GET", functions+"/f", "")
		f.golden("create-everything")
	})
}

func TestTranscript_Get(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", `,"Environment":{}`)
		f.do("GET", functions+"/f/configuration", "")
		f.do("GET", functions+"/f/configuration?Qualifier=$LATEST", "")
		f.do("GET", functions+"/f:$LATEST/configuration", "")
		f.do("GET", functions+"/arn:aws:lambda:us-east-1:000000000000:function:f/configuration", "")
		f.do("GET", functions+"/000000000000:function:f/configuration", "")
		f.do("GET", functions+"/f/configuration?Qualifier=7", "")
		f.do("GET", functions+"/f:live/configuration", "")
		f.do("GET", functions+"/f:live/configuration?Qualifier=beta", "")
		f.do("GET", functions+"/missing", "")
		f.do("GET", functions+"/missing?Qualifier=1", "")
		f.do("GET", functions+"/arn:aws:lambda:eu-west-1:000000000000:function:f", "")
		f.do("GET", functions+"/no%20name", "")
		f.golden("get")
	})
}

func TestTranscript_List(t *testing.T) {
	serve(t, func(f *fixture) {
		for _, name := range []string{"c", "a", "b"} {
			f.create(name, "")
		}
		f.do("GET", functions, "")
		w := f.do("GET", functions+"?MaxItems=2", "")
		f.do("GET", functions+"?MaxItems=2&Marker="+nextMarker(w), "")
		f.do("GET", functions+"?FunctionVersion=ALL&MaxItems=1", "")
		f.do("GET", functions+"?Marker=%25%25", "")
		f.do("GET", functions+"?FunctionVersion=some", "")
		f.do("GET", functions, "", "Authorization: AWS4-HMAC-SHA256 Credential=AKID/20261121/eu-west-1/lambda/aws4_request, SignedHeaders=host, Signature=00")
		f.golden("list")
	})
}

// nextMarker is the marker of the page after a list's answer.
func nextMarker(w *httptest.ResponseRecorder) string {
	_, marker, _ := strings.Cut(w.Body.String(), `"NextMarker":"`)
	marker, _, _ = strings.Cut(marker, `"`)
	return marker
}

func TestTranscript_UpdateCode(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", "")
		release := f.host.hold()
		f.do("PUT", functions+"/f/code", `{"ZipFile":`+zipped("new code")+`,"Architectures":["arm64"]}`)
		f.do("PUT", functions+"/f/code", `{"ZipFile":`+zipped("newer code")+`}`) // refused: InProgress
		f.do("GET", functions+"/f/configuration", "")
		release()
		f.settle()
		f.do("GET", functions+"/f/configuration", "")
		f.do("PUT", functions+"/f/code", `{"ZipFile":`+zipped("dry code")+`,"DryRun":true}`)
		f.do("PUT", functions+"/f/code", `{}`)
		f.do("PUT", functions+"/f/code", `{"ImageUri":"123456789012.dkr.ecr.us-east-1.amazonaws.com/i:1"}`)
		f.do("PUT", functions+"/f/code", `{"ZipFile":`+zipped("x")+`,"RevisionId":"stale"}`)
		f.do("PUT", functions+"/missing/code", `{"ZipFile":`+zipped("x")+`}`)
		f.golden("update-code")
	})
}

func TestTranscript_UpdateConfiguration(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", `,"Description":"stays","Environment":{"Variables":{"KEY":"1"}}`)
		f.do("PUT", functions+"/f/configuration", `{"Timeout":30,"MemorySize":256,"RevisionId":"`+f.stored("f").RevisionID+`"}`)
		f.settle()
		f.do("GET", functions+"/f/configuration", "")
		f.do("PUT", functions+"/f/configuration", `{"Environment":{"Variables":{}},"LoggingConfig":{"LogFormat":"JSON","SystemLogLevel":"WARN"}}`)
		f.settle()
		f.do("PUT", functions+"/f/configuration", `{"LoggingConfig":{"LogFormat":"Text"}}`)
		f.settle()
		f.do("PUT", functions+"/f:7/configuration", `{"Timeout":30}`)
		f.do("PUT", functions+"/f/configuration", `{"Timeout":30,"RevisionId":"stale"}`)
		f.do("PUT", functions+"/f/configuration", `{"Timeout":901}`)
		f.do("PUT", functions+"/f/configuration", `{"Runtime":"go1.x"}`)
		f.do("PUT", functions+"/missing/configuration", `{"Timeout":30}`)
		f.golden("update-configuration")
	})
}

func TestTranscript_Delete(t *testing.T) {
	serve(t, func(f *fixture) {
		f.create("f", "")
		f.do("DELETE", functions+"/f?Qualifier=$LATEST", "")
		f.do("DELETE", functions+"/f:7", "")
		f.do("DELETE", functions+"/f", "")
		f.do("DELETE", functions+"/f", "")
		f.do("DELETE", functions+"/f?Qualifier=7", "")
		f.golden("delete")
	})
}

func TestTranscript_NoOperationHere(t *testing.T) {
	serve(t, func(f *fixture) {
		alone := api.NewRouter(api.Options{}) // other operations are not here
		f.service.Register(alone)
		f.mux = http.NewServeMux()
		f.mux.Handle("/", alone)
		f.do("GET", "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=1", "")
		f.do("GET", "/nothing/here", "")
		f.golden("not-here")
	})
}
