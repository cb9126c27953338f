package output_test

import (
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/invoke/output"
)

// hall is workers and the path to their socket.
type hall struct {
	*testing.T
	*output.Workers
	kept
	path string
}

func listen(t *testing.T, most int) *hall {
	t.Helper()
	h := &hall{T: t, path: filepath.Join(t.TempDir(), "socket")}
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: h.path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	h.Workers = output.Listen(l, h.sink(), most)
	return h
}

func (h *hall) dial() net.Conn {
	h.Helper()
	conn, err := net.Dial("unix", h.path)
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { conn.Close() })
	return conn
}

// until waits for what is read by the workers' own goroutines.
func (h *hall) until(want ...string) {
	h.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !slices.Equal(h.sorted(), want) {
		if time.Now().After(deadline) {
			h.Fatalf("lines (-want +got):\n%s", cmp.Diff(want, h.sorted()))
		}
	}
}

func (h *hall) end() {
	h.Helper()
	if err := h.Close(); err != nil {
		h.Error(err)
	}
}

func TestWorkers_Connections_AreSplitApart(t *testing.T) {
	h := listen(t, 10)
	defer h.end()
	one, two, framed := h.dial(), h.dial(), h.dial()
	for _, part := range []string{"the first", " line", "\nand ", "more\n"} {
		fmt.Fprint(one, "1: "+part)
		fmt.Fprint(two, part)
	}
	fmt.Fprint(framed, "\xa5\x5a\x00\x15\x00\x00\x00\x07two\nway")
	h.until("1: the first1:  line1: ", "ERROR: two\nway", "and 1: more", "and more", "the first line")
}

func TestWorkers_MoreThanPlaces_Wait(t *testing.T) {
	h := listen(t, 1)
	defer h.end()
	one, two := h.dial(), h.dial()
	fmt.Fprintln(two, "second")
	fmt.Fprintln(one, "first")
	h.until("first")
	one.Close()
	h.until("first", "second")
}

func TestDrain_OfWorkers_WhatWasWrittenHasCome(t *testing.T) {
	h := listen(t, 10)
	defer h.end()
	conn := h.dial()
	fmt.Fprintln(conn, "0000")
	h.until("0000") // it was accepted
	want := []string{"0000"}
	for i := range 100 {
		line := fmt.Sprintf("%04d", i+1)
		fmt.Fprintln(conn, line)
		h.Drain()
		want = append(want, line)
		if diff := cmp.Diff(want, h.sorted()); diff != "" {
			t.Fatalf("lines (-want +got):\n%s", diff)
		}
	}
}

func TestWait_OfWorkersThatEnded_HasAll(t *testing.T) {
	h := listen(t, 10)
	defer h.end()
	conn := h.dial()
	fmt.Fprintln(conn, "first")
	h.until("first")
	fmt.Fprint(conn, "last words")
	conn.Close()
	h.Wait(nil)
	h.until("first", "last words")
}

func TestClose_WorkersThatLive_Returns(t *testing.T) {
	h := listen(t, 1)
	held, waiting := h.dial(), h.dial()
	fmt.Fprintln(held, "first")
	fmt.Fprintln(waiting, "second")
	h.until("first")
	h.end()
	if _, err := net.Dial("unix", h.path); err == nil {
		t.Error("the socket is there still")
	}
}
