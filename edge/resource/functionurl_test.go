package resource_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	functionURL = "/2021-10-31/functions/f/url"
	firstMoment = "2000-01-01T00:00:00.000000Z" // of a bubble
	nextMoment  = "2000-01-01T00:00:01.000000Z"
)

func TestFunctionURL_Lifecycle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t)
		f.answers("POST", functionURL, `{"AuthType":"NONE"}`, 201, `{"FunctionUrl":"http://<id>.lambda-url.us-east-1.localhost:4566/",`+
			`"FunctionArn":"`+functionF+`","AuthType":"NONE","CreationTime":"`+firstMoment+`"}`)
		f.answers("POST", functionURL, `{"AuthType":"NONE"}`, 409, `{"Type":"User","message":"Failed to create function url config for [functionArn = `+functionF+
			`]. Error message:  FunctionUrlConfig exists for this Lambda function"}`)
		f.answers("GET", functionURL, "", 200, `{"FunctionUrl":"http://<id>.lambda-url.us-east-1.localhost:4566/","FunctionArn":"`+functionF+
			`","AuthType":"NONE","CreationTime":"`+firstMoment+`","LastModifiedTime":"`+firstMoment+`","InvokeMode":"BUFFERED"}`)
		<-time.After(time.Second)
		f.answers("PUT", functionURL, `{"AuthType":"AWS_IAM"}`, 200, `{"FunctionUrl":"http://<id>.lambda-url.us-east-1.localhost:4566/","FunctionArn":"`+functionF+
			`","AuthType":"AWS_IAM","CreationTime":"`+firstMoment+`","LastModifiedTime":"`+nextMoment+`"}`)
		f.answers("DELETE", functionURL, "", 204, "")
		const none = `{"Message":"The resource you requested does not exist.","Type":"User"}`
		f.answers("DELETE", functionURL, "", 404, none)
		f.answers("GET", functionURL, "", 404, none)
		f.answers("PUT", functionURL, `{"AuthType":"NONE"}`, 404, none)
	})
}

func TestFunctionURL_CORS_IsReplacedAndTurnedOff(t *testing.T) {
	f := serve(t)
	const cors = `"Cors":{"AllowCredentials":true,"AllowHeaders":["x"],"AllowMethods":["GET"],"AllowOrigins":["*"],"ExposeHeaders":["y"],"MaxAge":5}`
	shows := func(method, body, members string) {
		t.Helper()
		if w := f.do(method, functionURL, body); !strings.Contains(w.Body.String(), members) {
			t.Errorf("%s %s: %d %s, want %s", method, body, w.Code, w.Body, members)
		}
	}
	shows("POST", `{"AuthType":"NONE","InvokeMode":"RESPONSE_STREAM",`+cors+`}`, cors)
	shows("PUT", `{"AuthType":"AWS_IAM"}`, cors) // stays
	shows("PUT", `{"Cors":{"MaxAge":6}}`, `"Cors":{"MaxAge":6}`)
	shows("GET", "", `"InvokeMode":"RESPONSE_STREAM"`)
	f.do("PUT", functionURL, `{"Cors":{}}`)
	if w := f.do("GET", functionURL, ""); strings.Contains(w.Body.String(), "Cors") {
		t.Errorf("after an empty object: %s", w.Body)
	}
}

func TestFunctionURL_OfAliases_AreListedInPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t)
		const list = "/2021-10-31/functions/f/urls"
		f.answers("GET", list, "", 200, `{"FunctionUrlConfigs":[]}`)
		f.alias("live", "1")
		f.do("POST", functionURL, `{"AuthType":"NONE"}`)
		f.do("POST", functionURL+"?Qualifier=live", `{"AuthType":"NONE"}`)
		item := func(arn string) string {
			return `{"FunctionUrl":"http://<id>.lambda-url.us-east-1.localhost:4566/","FunctionArn":"` + arn + `","CreationTime":"` + firstMoment +
				`","LastModifiedTime":"` + firstMoment + `","AuthType":"NONE","InvokeMode":"BUFFERED"}`
		}
		f.answers("GET", list+"?MaxItems=1", "", 200, `{"FunctionUrlConfigs":[`+item(functionF)+`],"NextMarker":"$LATEST"}`)
		f.answers("GET", list+"?MaxItems=1&Marker=$LATEST", "", 200, `{"FunctionUrlConfigs":[`+item(functionF+":live")+`]}`)
	})
}

func TestFunctionURL_Mistakes(t *testing.T) {
	f := serve(t)
	const version = "/2021-10-31/functions/" + functionF + ":1/url"
	for _, r := range []request{{"POST", version, `{"AuthType":"NONE"}`}, {"GET", version, ""}, {"PUT", version, `{}`}, {"DELETE", version, ""}} {
		f.refused(r[0], r[1], r[2], 400, "ValidationException", "at 'functionName'")
	}
	const code, missing = "ResourceNotFoundException", "Function does not exist"
	f.refused("POST", functionURL+"?Qualifier=none", `{"AuthType":"NONE"}`, 404, code, missing)
	f.refused("PUT", functionURL+"?Qualifier=none", `{"AuthType":"NONE"}`, 404, code, missing)
	f.refused("GET", "/2021-10-31/functions/none/urls", "", 404, code, missing)
}

func TestFunctionURL_StoreFails(t *testing.T) {
	f := serve(t)
	f.fail(&f.stores.urls.Err, request{"POST", functionURL, `{"AuthType":"NONE"}`}, request{"GET", functionURL, ""},
		request{"PUT", functionURL, `{}`}, request{"DELETE", functionURL, ""}, request{"GET", "/2021-10-31/functions/f/urls", ""})
}

func TestFunctionURL_LeadsToThisMachine(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:4566":      "localhost:4566",
		"[::1]:4566":          "localhost:4566",
		"0.0.0.0:80":          "localhost",
		":4566":               "localhost:4566",
		"localhost:9000":      "localhost:9000",
		"build.example:4566":  "build.example:4566",
		"build.example:80":    "build.example",
		"no port in this one": "localhost",
	} {
		f := serve(t)
		f.open(listen)
		var got struct{ FunctionURL string }
		w := f.do("POST", functionURL, `{"AuthType":"NONE"}`)
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || !strings.HasSuffix(got.FunctionURL, ".lambda-url.us-east-1."+want+"/") {
			t.Errorf("%s: %s, want %s (%v)", listen, got.FunctionURL, want, err)
		}
	}
}
