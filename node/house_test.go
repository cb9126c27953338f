package node_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hearthd/hearth/node"
	"github.com/hearthd/hearth/sandbox"
	"github.com/hearthd/hearth/sandbox/mem"
)

// house is a whole node in a synctest bubble: its store and its sandboxes are in
// memory, and so time passes when nobody has anything to do.
type house struct {
	*testing.T
	node   *node.Node
	driver *mem.Driver

	mu    sync.Mutex
	calls []call
}

// call is an event that a function of the house got.
type call struct {
	function, payload string
	at                time.Time
}

// furnish opens a house on a store, which outlives it.
func furnish(t *testing.T, store *node.Store, change func(*node.Options)) *house {
	t.Helper()
	h := &house{T: t}
	h.driver = mem.New(mem.Options{Programs: map[string]mem.Program{"/var/task/bootstrap": h.run}})
	o := node.Options{
		Version: "v9", Dir: t.TempDir(), Store: store, Driver: h.driver, Account: "000000000000", Region: "us-east-1",
		MaxConcurrency: 1000, IdleTimeout: time.Hour, FreezeAfter: time.Minute, MaxAge: 12 * time.Hour,
	}
	if change != nil {
		change(&o)
	}
	var err error
	if h.node, err = node.Open(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	return h
}

// leave closes the house. No sandbox may be left of it.
func (h *house) leave() {
	h.Helper()
	h.close()
	if err := h.driver.Close(); err != nil {
		h.Errorf("close the driver: %v", err)
	}
}

// traceID is that of the segments that functions send.
const traceID = "1-00000000-000000000000000000000001"

// slowness is how long a slow function takes.
const slowness = time.Second

// run is the runtime of every function. One called fails... fails every event, one
// called shows... answers with its access key; any other answers with the id of its
// environment and what it got, a slow... one after a while, a traced... one with a
// segment to the X-Ray daemon.
func (h *house) run(_ context.Context, p *mem.Proc) sandbox.Exit {
	conn, err := p.Dial()
	if err != nil {
		return sandbox.Exit{Code: 1}
	}
	// Open outputs would keep the clock of the bubble from moving.
	p.Stdout.(io.Closer).Close()
	p.Stderr.(io.Closer).Close()
	in, name := bufio.NewReader(conn), p.Getenv("AWS_LAMBDA_FUNCTION_NAME")
	for {
		fmt.Fprint(conn, "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n")
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return sandbox.Exit{} // it is killed
		}
		event, err := io.ReadAll(res.Body)
		if err != nil {
			return sandbox.Exit{}
		}
		h.mu.Lock()
		h.calls = append(h.calls, call{name, string(event), time.Now()})
		h.mu.Unlock()
		if strings.HasPrefix(name, "asks") {
			event = h.askInside(conn, in, event)
		}
		path, answer := "response", fmt.Sprintf(`{"from":%q,"got":%s}`, p.Getenv("AWS_LAMBDA_LOG_STREAM_NAME"), event)
		switch {
		case strings.HasPrefix(name, "fails"):
			path, answer = "error", `{"errorType":"Sad","errorMessage":"it failed"}`
		case strings.HasPrefix(name, "shows"):
			answer = fmt.Sprintf("%q", p.Getenv("AWS_ACCESS_KEY_ID"))
		case strings.HasPrefix(name, "slow"):
			<-time.After(slowness)
		case strings.HasPrefix(name, "traced"):
			segment := `{"trace_id":"` + traceID + `","id":"0000000000000001","name":"traced","start_time":1,"end_time":2}`
			if err := p.Send(2000, []byte("{\"format\":\"json\",\"version\":1}\n"+segment)); err != nil {
				return sandbox.Exit{Code: 2}
			}
		}
		fmt.Fprintf(conn, "POST /2018-06-01/runtime/invocation/%s/%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s",
			res.Header.Get("Lambda-Runtime-Aws-Request-Id"), path, len(answer), answer)
		if res, err = http.ReadResponse(in, nil); err != nil {
			return sandbox.Exit{}
		}
		_, _ = io.Copy(io.Discard, res.Body)
	}
}

// askInside sends the request that an event describes to the API that the function
// finds beside its Runtime API, and returns the answer as JSON.
func (h *house) askInside(conn io.Writer, in *bufio.Reader, event []byte) []byte {
	var ask struct{ Method, Path, Service, Body string }
	if err := json.Unmarshal(event, &ask); err != nil {
		h.Errorf("%s: %v", event, err)
	}
	fmt.Fprintf(conn, "%s %s HTTP/1.1\r\nHost: 169.254.100.1:9001\r\nContent-Length: %d\r\n", ask.Method, ask.Path, len(ask.Body))
	if ask.Service != "" {
		fmt.Fprintf(conn, "Authorization: AWS4-HMAC-SHA256 Credential=hearth/20000101/us-east-1/%s/aws4_request, SignedHeaders=host, Signature=00\r\n", ask.Service)
	}
	fmt.Fprintf(conn, "\r\n%s", ask.Body)
	res, err := http.ReadResponse(in, nil)
	if err != nil {
		h.Errorf("%s: %v", event, err)
		return []byte("null")
	}
	body, err := io.ReadAll(res.Body)
	if err != nil {
		h.Errorf("%s: %v", event, err)
	}
	answer, err := json.Marshal(members{"status": res.StatusCode, "body": string(body)})
	if err != nil {
		h.Error(err)
	}
	return answer
}

// callsOf returns the events that a function got.
func (h *house) callsOf(function string) (calls []call) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.calls {
		if c.function == function {
			calls = append(calls, c)
		}
	}
	return calls
}

// request sends a request, with a body that is JSON unless it is nil, and returns
// the status and the body of the answer.
func (h *house) request(method, path string, body any, header ...string) (int, string) {
	h.Helper()
	var in io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			h.Fatal(err)
		}
		in = bytes.NewReader(text)
	}
	r := httptest.NewRequestWithContext(h.Context(), method, "http://127.0.0.1:4566"+path, in)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.node.Handler().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// want is request for a status that has to come.
func (h *house) want(status int, method, path string, body any, header ...string) string {
	h.Helper()
	got, answer := h.request(method, path, body, header...)
	if got != status {
		h.Fatalf("%s %s: %d %s, want %d", method, path, got, answer, status)
	}
	return answer
}

// code is a package whose bootstrap differs from those of other texts.
func code(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	header := &zip.FileHeader{Name: "bootstrap"}
	header.SetMode(0o755)
	w, err := z.CreateHeader(header)
	if err == nil {
		_, err = io.WriteString(w, text)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

type members map[string]any

const functions = "/2015-03-31/functions"

func (h *house) create(name string) {
	h.Helper()
	h.want(201, "POST", functions, members{
		"FunctionName": name, "Runtime": "provided.al2023", "Handler": "any", "Role": "arn:aws:iam::000000000000:role/any",
		"Code": members{"ZipFile": code(h.T, name)},
	})
}

// invoke returns which environment answered.
func (h *house) invoke(name string) (environment string) {
	h.Helper()
	answer := h.want(200, "POST", functions+"/"+name+"/invocations", members{"say": "hello"})
	var got struct {
		From string
		Got  struct{ Say string }
	}
	if err := json.Unmarshal([]byte(answer), &got); err != nil || got.Got.Say != "hello" || got.From == "" {
		h.Fatalf("%s answers %s (%v)", name, answer, err)
	}
	return got.From
}

// pass lets time pass, and what is due happen.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// TestHouse_LifeOfAFunction is a day of a node in a moment: a function is created,
// invoked, invoked by an event with AWS's retries, whose end a destination is told,
// updated and deleted.
func TestHouse_LifeOfAFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := node.MemoryStore()
		h := furnish(t, store, nil)
		h.create("works")
		h.create("fails")
		first := h.invoke("works") // it is Pending for a moment, which is waited out
		if again := h.invoke("works"); again != first {
			t.Errorf("the second invocation ran in %s, the first in %s", again, first)
		}

		h.want(200, "PUT", "/2019-09-25/functions/fails/event-invoke-config", members{
			"MaximumRetryAttempts": 2, "DestinationConfig": members{"OnFailure": members{"Destination": "arn:aws:lambda:us-east-1:000000000000:function:works"}},
		})
		began := time.Now()
		h.want(202, "POST", functions+"/fails/invocations", members{"n": 1}, "X-Amz-Invocation-Type", "Event")
		pass(5 * time.Minute)
		var after []time.Duration
		for _, c := range h.callsOf("fails") {
			after = append(after, c.at.Sub(began).Round(time.Second))
		}
		if fmt.Sprint(after) != fmt.Sprint([]time.Duration{0, time.Minute, 3 * time.Minute}) {
			t.Errorf("attempts after %v, want AWS's", after)
		}
		told := h.callsOf("works")
		if last := told[len(told)-1].payload; len(told) != 3 || !strings.Contains(last, `"condition":"RetriesExhausted","approximateInvokeCount":3`) || !strings.Contains(last, `"requestPayload":{"n":1}`) {
			t.Errorf("the destination was told %s", last)
		}

		h.want(200, "PUT", functions+"/works/code", members{"ZipFile": code(t, "new code")})
		if updated := h.invoke("works"); updated == first {
			t.Error("the new code runs in the old environment")
		}
		synctest.Wait()
		if n := len(h.driver.Open()); n != 2 {
			t.Errorf("%d sandboxes, want one of each function: the outdated one goes", n)
		}

		h.want(204, "DELETE", functions+"/works", nil)
		if status, answer := h.request("POST", functions+"/works/invocations", members{}); status != 404 {
			t.Errorf("a deleted function: %d %s", status, answer)
		}
		synctest.Wait()
		if n := len(h.driver.Open()); n != 1 {
			t.Errorf("%d sandboxes, want none of the deleted function", n)
		}
		pass(2 * time.Hour) // the idle one goes too
		if n := len(h.driver.Open()); n != 0 {
			t.Errorf("%d sandboxes after two idle hours", n)
		}
		h.leave()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestHouse_EventsOutliveTheNode has a node that is closed while an event waits for
// its second attempt, and another on the same store.
func TestHouse_EventsOutliveTheNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := node.MemoryStore()
		h := furnish(t, store, nil)
		h.create("fails")
		h.want(202, "POST", functions+"/fails/invocations", members{"n": 1}, "X-Amz-Invocation-Type", "Event")
		pass(10 * time.Second)
		if n := len(h.callsOf("fails")); n != 1 {
			t.Errorf("%d attempts within ten seconds, want one", n)
		}
		h.leave()

		h = furnish(t, store, nil)
		pass(10 * time.Minute)
		if n := len(h.callsOf("fails")); n != 2 {
			t.Errorf("%d attempts by the second node, want the other two", n)
		}
		h.leave()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
}

// TestHouse_TwoNodesShareAStore has two nodes with one store: what is asked of one
// holds for both.
func TestHouse_TwoNodesShareAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared, events := node.MemoryStore(), node.MemoryStore()
		one := furnish(t, shared, nil)
		other := furnish(t, &node.Store{KV: shared.KV, Blobs: shared.Blobs, Events: events.Events}, nil)

		one.create("works")
		synctest.Wait()
		first := other.invoke("works") // its code is in the store alone: the other node fetches it
		if len(one.driver.Open()) != 0 || len(other.driver.Open()) != 1 {
			t.Errorf("%d and %d sandboxes, want one where it was invoked", len(one.driver.Open()), len(other.driver.Open()))
		}

		one.want(200, "PUT", functions+"/works/code", members{"ZipFile": code(t, "new code")})
		synctest.Wait()
		if n := len(other.driver.Open()); n != 0 {
			t.Errorf("%d sandboxes of outdated code on the other node", n)
		}
		if updated := other.invoke("works"); updated == first {
			t.Error("the new code runs in the old environment")
		}

		one.want(200, "PUT", "/2017-10-31/functions/works/concurrency", members{"ReservedConcurrentExecutions": 0})
		synctest.Wait()
		if status, answer := other.request("POST", functions+"/works/invocations", members{}); status != 429 {
			t.Errorf("no concurrency is reserved: %d %s, want a throttle", status, answer)
		}
		other.want(204, "DELETE", functions+"/works", nil)
		synctest.Wait()
		if status, answer := one.request("GET", functions+"/works", nil); status != 404 {
			t.Errorf("deleted on the other node: %d %s", status, answer)
		}
		if n := len(other.driver.Open()); n != 0 {
			t.Errorf("%d sandboxes of a deleted function", n)
		}
		one.leave()
		other.leave()
		if err := shared.Close(); err != nil {
			t.Error(err)
		}
	})
}
