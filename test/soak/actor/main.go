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
	"time"

	"github.com/hearthd/hearth/test/actor"
)

func main() { actor.Main(runtime, extension) }

func runtime() error {
	for {
		event, response, err := actor.Invocation()
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
		if _, _, err := actor.Call(http.MethodPost, response, body, header); err != nil {
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
	x, err := actor.Register()
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		return err
	}
	go func() { // until the process ends
		_ = http.Serve(l, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }))
	}()
	subscription := fmt.Sprintf(`{"schemaVersion":"2022-12-13","types":["platform","function"],"buffering":{"timeoutMs":25},
		"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:%d"}}`, l.Addr().(*net.TCPAddr).Port)
	if _, err := x.Subscribe(subscription); err != nil {
		return err
	}
	for n := 1; ; n++ {
		if last, err := x.Next(); last || err != nil {
			return err
		}
		if n%40 == 0 {
			os.Exit(17)
		}
	}
}
