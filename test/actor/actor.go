// Package actor is what the programs share that play a runtime, and an
// extension beside it, in the tests of this directory: their start, and their
// requests to the Runtime API of their environment.
package actor

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// Main plays the part that the program was started for, which its directory
// tells: extensions are in one of that name. It exits with 1 on an error.
func Main(runtime, extension func() error) {
	play := runtime
	if filepath.Base(filepath.Dir(os.Args[0])) == "extensions" {
		play = extension
	}
	if err := play(); err != nil {
		fmt.Fprintln(os.Stderr, "actor:", err)
		os.Exit(1)
	}
}

// Call sends a request to the Runtime API and reads the answer; a status that is
// no success is an error.
func Call(method, path string, body io.Reader, header map[string]string) (http.Header, []byte, error) {
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
	return resp.Header, answer, err
}

// Invocation waits for the next event of a runtime and returns it with the path
// that its response goes to.
func Invocation() (event []byte, response string, err error) {
	header, event, err := Call(http.MethodGet, "/2018-06-01/runtime/invocation/next", nil, nil)
	return event, "/2018-06-01/runtime/invocation/" + header.Get("Lambda-Runtime-Aws-Request-Id") + "/response", err
}

// Extension is a registered extension.
type Extension struct{ id map[string]string }

// Register registers the program under its name, for both kinds of events.
func Register() (*Extension, error) {
	header, _, err := Call(http.MethodPost, "/2020-01-01/extension/register", strings.NewReader(`{"events":["INVOKE","SHUTDOWN"]}`),
		map[string]string{"Lambda-Extension-Name": filepath.Base(os.Args[0])})
	if err != nil {
		return nil, err
	}
	return &Extension{map[string]string{"Lambda-Extension-Identifier": header.Get("Lambda-Extension-Identifier")}}, nil
}

// Subscribe sends a subscription to the Telemetry API and returns the answer.
func (x *Extension) Subscribe(subscription string) ([]byte, error) {
	_, answer, err := Call(http.MethodPut, "/2022-07-01/telemetry", strings.NewReader(subscription), x.id)
	return answer, err
}

// Next waits for the next event, and says whether it is the last.
func (x *Extension) Next() (last bool, err error) {
	_, event, err := Call(http.MethodGet, "/2020-01-01/extension/event/next", nil, x.id)
	return bytes.Contains(event, []byte(`"SHUTDOWN"`)), err
}
