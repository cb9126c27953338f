// Command sink is an extension that takes what others send: it listens on
// 127.0.0.1:9999 of the sandbox, answers every request with {}, and prints it,
// one line of JSON each. At the end of the environment it stays for as long as
// it may, for what others send then.
package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	maxBody = 4 << 20
	lastMs  = 100 // of the time for the end, which is not waited for
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sink:", err)
		os.Exit(1)
	}
}

func run(out io.Writer) error {
	listener, err := net.Listen("tcp4", "127.0.0.1:9999")
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- (&http.Server{Handler: taker(out)}).Serve(listener) }()
	end, err := awaitEnd(os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	if err != nil {
		return err
	}
	select {
	case err = <-served:
	case <-time.After(time.Until(end)):
	}
	return err
}

// taker prints requests.
func taker(out io.Writer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := content(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		line, err := json.Marshal(map[string]string{"path": r.URL.Path, "body": body})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(out, "sink: %s\n", line)
		fmt.Fprint(w, "{}")
	})
}

func content(r *http.Request) (string, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err == nil && r.Header.Get("Content-Encoding") == "gzip" {
		var z *gzip.Reader
		if z, err = gzip.NewReader(bytes.NewReader(body)); err == nil {
			body, err = io.ReadAll(io.LimitReader(z, maxBody))
		}
	}
	return strings.ToValidUTF8(string(body), "?"), err
}

// awaitEnd registers for SHUTDOWN, waits for it, and returns until when the
// extension may run.
func awaitEnd(api string) (time.Time, error) {
	client := &http.Client{} // without a timeout: the poll lasts as long as the environment
	base := "http://" + api + "/2020-01-01/extension/"
	register, err := http.NewRequest(http.MethodPost, base+"register", strings.NewReader(`{"events":["SHUTDOWN"]}`))
	if err != nil {
		return time.Time{}, err
	}
	register.Header.Set("Lambda-Extension-Name", "sink")
	resp, err := client.Do(register)
	if err != nil {
		return time.Time{}, err
	}
	id := resp.Header.Get("Lambda-Extension-Identifier")
	if err := resp.Body.Close(); err != nil || id == "" {
		return time.Time{}, errors.Join(err, fmt.Errorf("register: %s", resp.Status))
	}
	next, err := http.NewRequest(http.MethodGet, base+"event/next", nil)
	if err != nil {
		return time.Time{}, err
	}
	next.Header.Set("Lambda-Extension-Identifier", id)
	if resp, err = client.Do(next); err != nil {
		return time.Time{}, err
	}
	defer resp.Body.Close()
	var event struct{ DeadlineMs int64 }
	err = json.NewDecoder(resp.Body).Decode(&event)
	return time.UnixMilli(event.DeadlineMs - lastMs), err
}
