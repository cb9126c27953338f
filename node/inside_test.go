package node_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/node"
)

// fromInside has a function send a request to the API in its environment, and returns
// the status and the body of the answer.
func (h *house) fromInside(function string, request members) (int, string) {
	h.Helper()
	var got struct {
		Got struct {
			Status int
			Body   string
		}
	}
	answer := h.want(200, "POST", functions+"/"+function+"/invocations", request)
	if err := json.Unmarshal([]byte(answer), &got); err != nil {
		h.Fatalf("%s: %v", answer, err)
	}
	return got.Got.Status, got.Got.Body
}

// askingHouse runs a test in a house with the functions works and asks, which may
// invoke functions.
func askingHouse(t *testing.T, change func(*node.Options), test func(h *house)) {
	t.Helper()
	inHouse(t, func(o *node.Options) {
		o.FunctionActions = []string{"lambda:InvokeFunction"}
		if change != nil {
			change(o)
		}
	}, func(h *house) {
		h.create("works")
		h.create("asks")
		test(h)
	})
}

func invocation(name, body string) members {
	return members{"Method": "POST", "Path": functions + "/" + name + "/invocations", "Service": "lambda", "Body": body}
}

func TestInside_FunctionInvokesAnother(t *testing.T) {
	askingHouse(t, nil, func(h *house) {
		status, body := h.fromInside("asks", invocation("works", `{"say":"hello"}`))
		if status != 200 || !strings.Contains(body, `"got":{"say":"hello"}`) {
			t.Errorf("%d %s", status, body)
		}
	})
}

func TestInside_FunctionInvokesItself(t *testing.T) {
	askingHouse(t, nil, func(h *house) {
		inner, err := json.Marshal(invocation("works", `1`))
		if err != nil {
			t.Fatal(err)
		}
		status, body := h.fromInside("asks", invocation("asks", string(inner)))
		if status != 200 || !strings.Contains(body, `\"got\":1`) {
			t.Errorf("%d %s", status, body)
		}
		if n := len(h.driver.Open()); n != 3 {
			t.Errorf("%d sandboxes, want two of the function that was at work twice at a time", n)
		}
	})
}

func TestInside_LargeRequestsBetweenTwoEvents(t *testing.T) {
	askingHouse(t, nil, func(h *house) {
		large := `"` + strings.Repeat("x", 1<<20) + `"`
		for range 12 {
			if status, body := h.fromInside("asks", invocation("works", large)); status != 200 || !strings.Contains(body, large) {
				t.Fatalf("%d %.200s", status, body)
			}
		}
	})
}

func TestInside_FunctionMayDoWhatItsRoleMay(t *testing.T) {
	list := members{"Method": "GET", "Path": functions + "/", "Service": "lambda"}
	askingHouse(t, nil, func(h *house) {
		if status, body := h.fromInside("asks", list); status != 403 || !strings.Contains(body, "is not authorized to perform: lambda:ListFunctions") {
			t.Errorf("by default: %d %s", status, body)
		}
		if status, body := h.fromInside("asks", members{"Method": "DELETE", "Path": functions + "/works", "Service": "lambda"}); status != 403 {
			t.Errorf("it deletes its neighbour: %d %s", status, body)
		}
	})
	askingHouse(t, func(o *node.Options) { o.FunctionActions = []string{"lambda:List*"} }, func(h *house) {
		if status, body := h.fromInside("asks", list); status != 200 || !strings.Contains(body, `"FunctionName":"works"`) {
			t.Errorf("with lambda:List*: %d %s", status, body)
		}
	})
}

func TestInside_HearthsOwnPathsAreNotThere(t *testing.T) {
	askingHouse(t, func(o *node.Options) { o.FunctionActions = []string{"*"} }, func(h *house) {
		for _, path := range []string{"/_hearth/status", "/_hearth/health", "/_hearth/logs?function=works", "/debug/pprof/"} {
			if status, body := h.fromInside("asks", members{"Method": "GET", "Path": path}); status != 404 {
				t.Errorf("%s: %d %s", path, status, body)
			}
		}
	})
}

func TestInside_OtherServicesAreToldWhatToSet(t *testing.T) {
	askingHouse(t, nil, func(h *house) {
		status, body := h.fromInside("asks", members{"Method": "GET", "Path": "/bucket/key", "Service": "s3"})
		if status != 501 || !strings.Contains(body, "AWS_ENDPOINT_URL_S3") {
			t.Errorf("%d %s", status, body)
		}
	})
}

func TestInside_EndpointOfAWS_IsNotHere(t *testing.T) {
	askingHouse(t, func(o *node.Options) { o.FunctionEndpoint = node.EndpointAWS }, func(h *house) {
		if status, body := h.fromInside("asks", invocation("works", "{}")); status != 404 {
			t.Errorf("%d %s", status, body)
		}
	})
}

func TestInside_WithSignatures_AFunctionSignsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := node.MemoryStore()
		h := furnish(t, store, nil)
		h.create("asks")
		h.leave()
		h = furnish(t, store, func(o *node.Options) { o.Auth, o.AccessKeys = true, keys })
		name := hearth.Name{Account: "000000000000", Region: "us-east-1", Function: "asks"}
		// Signed with anything but the credentials of the function.
		ask := `{"Method":"POST","Path":"/2015-03-31/functions/asks/invocations","Service":"lambda"}`
		res, err := h.node.Invoke(t.Context(), name, "", &hearth.Invocation{RequestID: "1", Payload: []byte(ask)})
		if err != nil || !strings.Contains(string(res.Payload), `"status":403`) {
			t.Errorf("%s, %v", res.Payload, err)
		}
		h.leave()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestEndpoints(t *testing.T) {
	for setting, want := range map[string]string{
		"aws":                                  "",
		"http://10.0.0.7:4566":                 "",
		"hearth,dynamodb=http://10.0.0.7:8000": "",
		"nowhere":                              "function-endpoint: \"nowhere\" is none of hearth, aws, a URL, and SERVICE=URL",
		"hearth,aws":                           "function-endpoint: \"aws\" is not SERVICE=URL",
		"dynamodb=":                            "function-endpoint: \"\" is none of hearth, aws, a URL, and SERVICE=URL",
	} {
		o := given()
		o.FunctionEndpoint = setting
		got := ""
		if err := o.Validate(); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: %q, want %q", setting, got, want)
		}
	}
}
