// Command actor is a function of the soak, and its extension: it answers with
// what it was sent, unless the event tells it to end otherwise.
//
//	{"id":"...","do":"answer"}   or exit, hang, stream, crash (of the extension)
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

func main() {
	play := runtime
	if filepath.Base(filepath.Dir(os.Args[0])) == "extensions" {
		play = extension
	}
	if err := play(); err != nil {
		fmt.Fprintln(os.Stderr, "actor:", err)
		os.Exit(1)
	}
}

// call sends a request to the Runtime API.
func call(method, path string, body io.Reader, header map[string]string) (*http.Response, []byte, error) {
	req, err := http.NewRequest(method, "http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+path, body)
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

func runtime() error {
	for {
		resp, event, err := call(http.MethodGet, "/2018-06-01/runtime/invocation/next", nil, nil)
		if err != nil {
			return err
		}
		fmt.Printf("event %s\n", event)
		var order struct{ Do string }
		if err := json.Unmarshal(event, &order); err != nil {
			return err
		}
		var body io.Reader = bytes.NewReader(event)
		var header map[string]string
		switch order.Do {
		case "exit":
			os.Exit(3)
		case "hang":
			<-time.After(time.Hour)
		case "stream":
			body, header = slowly(event), map[string]string{"Lambda-Runtime-Function-Response-Mode": "streaming"}
		}
		path := "/2018-06-01/runtime/invocation/" + resp.Header.Get("Lambda-Runtime-Aws-Request-Id") + "/response"
		if _, _, err := call(http.MethodPost, path, body, header); err != nil {
			return err
		}
	}
}

// slowly reads as the text in two pieces.
func slowly(text []byte) io.Reader {
	r, w := io.Pipe()
	go func() { // ends with the request
		_, _ = w.Write(text[:1])
		<-time.After(time.Millisecond)
		_, err := w.Write(text[1:])
		_ = w.CloseWithError(err)
	}()
	return r
}

// extension subscribes to telemetry, and crashes now and then.
func extension() error {
	resp, _, err := call(http.MethodPost, "/2020-01-01/extension/register", bytes.NewBufferString(`{"events":["INVOKE","SHUTDOWN"]}`),
		map[string]string{"Lambda-Extension-Name": filepath.Base(os.Args[0])})
	if err != nil {
		return err
	}
	id := map[string]string{"Lambda-Extension-Identifier": resp.Header.Get("Lambda-Extension-Identifier")}
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		return err
	}
	go func() { // until the process ends
		_ = http.Serve(l, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	}()
	subscription := fmt.Sprintf(`{"schemaVersion":"2022-12-13","types":["platform","function"],"buffering":{"timeoutMs":25},
		"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:%d"}}`, l.Addr().(*net.TCPAddr).Port)
	if _, _, err := call(http.MethodPut, "/2022-07-01/telemetry", bytes.NewBufferString(subscription), id); err != nil {
		return err
	}
	for n := 1; ; n++ {
		_, event, err := call(http.MethodGet, "/2020-01-01/extension/event/next", nil, id)
		if err != nil || bytes.Contains(event, []byte(`"SHUTDOWN"`)) {
			return err
		}
		if n%40 == 0 {
			os.Exit(17)
		}
	}
}
