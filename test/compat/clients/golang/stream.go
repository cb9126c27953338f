package main

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"
)

type streamEvent struct {
	Do    string        `json:"do"`
	Pause time.Duration `json:"pause"` // in milliseconds
}

// stream answers with what the client sends as it is read: stream_test.go says
// what the events ask for.
func stream(_ context.Context, e streamEvent) (io.Reader, error) {
	switch e.Do {
	case "fail-early":
		return nil, errors.New("early")
	case "http":
		return &events.LambdaFunctionURLStreamingResponse{
			StatusCode: http.StatusTeapot,
			Headers:    map[string]string{"x-a": "1"},
			Cookies:    []string{"c=d"},
			Body:       strings.NewReader("body"),
		}, nil
	}
	r, w := io.Pipe()
	go func() { // the client reads to the end, or the process is ended
		if e.Do == "fail" {
			_, _ = io.WriteString(w, "prefix")
			_ = w.CloseWithError(&refusal{"late"})
			return
		}
		_, _ = io.WriteString(w, "first ")
		<-time.After(e.Pause * time.Millisecond)
		_, _ = io.WriteString(w, "second")
		_ = w.Close()
	}()
	return r, nil
}

// serve is what a function URL that streams is made of.
func serve(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Method", r.Method)
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, r.URL.Path)
	_, _ = io.Copy(w, r.Body)
}
