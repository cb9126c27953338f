package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
)

// bare is the limit that hearth is compared with: client, server, long poll
// and back with the same bootstrap, and nothing else.
type bare struct {
	calls chan *call // waiting for a poll
	last  atomic.Int64
	busy  sync.Map // id -> *call
}

type call struct {
	event []byte
	reply chan []byte
}

// runBare serves until its standard input ends. It prints its address first.
func runBare(bootstrap string, workers int) error {
	b := &bare{calls: make(chan *call)}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /invoke", b.invoke)
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", b.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", b.response)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: mux} //nolint:gosec // a peer without limits is the point
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }() // waited for below
	for range workers {
		cmd := exec.Command(bootstrap)
		cmd.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + l.Addr().String()}
		if err := cmd.Start(); err != nil {
			return err
		}
		defer func() { _, _ = cmd.Process.Kill(), cmd.Wait() }()
	}
	fmt.Println("http://" + l.Addr().String() + "/invoke")
	_, _ = io.Copy(io.Discard, os.Stdin)
	err = server.Close()
	return errors.Join(err, ignoreClosed(<-served))
}

func ignoreClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func (b *bare) invoke(w http.ResponseWriter, r *http.Request) {
	event, _ := io.ReadAll(r.Body)
	c := &call{event: event, reply: make(chan []byte, 1)}
	b.calls <- c
	_, _ = w.Write(<-c.reply)
}

func (b *bare) next(w http.ResponseWriter, r *http.Request) {
	select {
	case c := <-b.calls:
		id := strconv.FormatInt(b.last.Add(1), 10)
		b.busy.Store(id, c)
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", id)
		_, _ = w.Write(c.event)
	case <-r.Context().Done():
	}
}

func (b *bare) response(w http.ResponseWriter, r *http.Request) {
	reply, _ := io.ReadAll(r.Body)
	if c, ok := b.busy.LoadAndDelete(r.PathValue("id")); ok {
		c.(*call).reply <- reply
	}
	w.WriteHeader(http.StatusAccepted)
}
