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
	"sync"

	"github.com/hearthd/hearth/test/actor"
)

// received is the file of events, one a line.
const received = "/tmp/received.ndjson"

func main() { actor.Main(runtime, extension) }

func extension() error {
	x, err := actor.Register()
	if err != nil {
		return err
	}
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
	answer, err := x.Subscribe(`{"schemaVersion":"2025-01-29",
		"types":["platform","function","extension"],"buffering":{"timeoutMs":25},
		"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:4243"}}`)
	if err != nil {
		return err
	}
	fmt.Printf("subscribed: %s\n", answer)
	for {
		if last, err := x.Next(); last || err != nil {
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
		_, response, err := actor.Invocation()
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
		if _, _, err := actor.Call(http.MethodPost, response, bytes.NewReader(events), nil); err != nil {
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
