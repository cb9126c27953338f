// Command actor is a runtime, or as an extension one that ships telemetry: it
// subscribes, and appends every event that it gets to a file, which the runtime
// answers with.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
)

// received is the file of events, one a line.
const received = "/tmp/received.ndjson"

func main() {
	role := runtime
	if filepath.Base(filepath.Dir(os.Args[0])) == "extensions" {
		role = extension
	}
	if err := role(); err != nil {
		fmt.Fprintln(os.Stderr, "actor:", err)
		os.Exit(1)
	}
}

// call sends a request to the Runtime API.
func call(method, path, body string, header map[string]string) (*http.Response, []byte, error) {
	req, err := http.NewRequest(method, "http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+path, bytes.NewBufferString(body))
	if err != nil {
		return nil, nil, err
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s: %s %s", path, resp.Status, answer)
	}
	return resp, answer, err
}

func extension() error {
	resp, _, err := call(http.MethodPost, "/2020-01-01/extension/register", `{"events":["INVOKE","SHUTDOWN"]}`,
		map[string]string{"Lambda-Extension-Name": filepath.Base(os.Args[0])})
	if err != nil {
		return err
	}
	id := map[string]string{"Lambda-Extension-Identifier": resp.Header.Get("Lambda-Extension-Identifier")}
	l, err := net.Listen("tcp", "sandbox.localdomain:4243") // as AWS's examples do
	if err != nil {
		return err
	}
	var mu sync.Mutex
	go func() { // until the process ends
		err := http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if err := keep(r.Body); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		}))
		fmt.Fprintln(os.Stderr, "actor:", err)
	}()
	_, answer, err := call(http.MethodPut, "/2022-07-01/telemetry", `{"schemaVersion":"2025-01-29",
		"types":["platform","function","extension"],"buffering":{"timeoutMs":25},
		"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:4243"}}`, id)
	if err != nil {
		return err
	}
	fmt.Printf("subscribed: %s\n", answer)
	for {
		_, event, err := call(http.MethodGet, "/2020-01-01/extension/event/next", "", id)
		if err != nil || bytes.Contains(event, []byte(`"SHUTDOWN"`)) {
			return err
		}
	}
}

// keep appends a batch to the file.
func keep(body io.Reader) error {
	var batch []json.RawMessage
	if err := json.NewDecoder(body).Decode(&batch); err != nil {
		return err
	}
	f, err := os.OpenFile(received, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, event := range batch {
		if _, err := fmt.Fprintf(f, "%s\n", event); err != nil {
			return err
		}
	}
	return nil
}

func runtime() error {
	for {
		resp, _, err := call(http.MethodGet, "/2018-06-01/runtime/invocation/next", "", nil)
		if err != nil {
			return err
		}
		fmt.Println("hello from the function")
		if err := trace(); err != nil {
			return err
		}
		events, err := os.ReadFile(received)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		path := "/2018-06-01/runtime/invocation/" + resp.Header.Get("Lambda-Runtime-Aws-Request-Id") + "/response"
		if _, _, err := call(http.MethodPost, path, string(events), nil); err != nil {
			return err
		}
	}
}

// trace sends a segment to the X-Ray daemon.
func trace() error {
	conn, err := net.Dial("udp", os.Getenv("AWS_XRAY_DAEMON_ADDRESS"))
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = io.WriteString(conn, `{"format":"json","version":1}`+"\n"+`{"name":"n","id":"70de5b6f19ff9a0a","trace_id":"1-581cf771-a006649127e371903a2de979"}`)
	return err
}
