package output_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/output"
)

// kept is a Sink's memory.
type kept struct {
	mu    sync.Mutex
	lines []string
}

func (k *kept) sink() output.Sink {
	return output.Sink{
		Line:    func(line []byte) { k.add(string(line)) },
		Message: func(m hearth.LogMessage) { k.add(string(m.Level) + ": " + string(m.Text)) },
	}
}

func (k *kept) add(line string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lines = append(k.lines, line)
}

// sorted are the lines so far, of all streams.
func (k *kept) sorted() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Sorted(slices.Values(k.lines))
}

func openOutput(t *testing.T, k *kept, framed bool) *output.Output {
	t.Helper()
	o, err := output.Open(k.sink(), framed)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestOutput_Streams_AreSplitApart(t *testing.T) {
	var k kept
	o := openOutput(t, &k, true)
	stdout, stderr, log := o.Files()
	for _, part := range []string{"one ", "line\nand ", "another"} {
		fmt.Fprint(stdout, part)
		fmt.Fprint(stderr, strings.ToUpper(part))
	}
	fmt.Fprint(log, "\xa5\x5a\x00\x15\x00\x00\x00\x06framed")
	o.Started()
	o.Wait(nil)
	want := []string{"AND ANOTHER", "ERROR: framed", "ONE LINE", "and another", "one line"}
	if diff := cmp.Diff(want, k.sorted()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestOutput_Unframed_HasNoLog(t *testing.T) {
	o := openOutput(t, &kept{}, false)
	if _, _, log := o.Files(); log != nil {
		t.Error("there is a log")
	}
	o.Started()
	o.Wait(nil)
}

func TestDrain_WhatWasWritten_HasCome(t *testing.T) {
	var k kept
	o := openOutput(t, &k, false)
	stdout, _, _ := o.Files()
	for i := range 1000 {
		fmt.Fprintf(stdout, "line %03d\nhalf", i)
		o.Drain()
		got := k.sorted()
		if len(got) != i+1 {
			t.Fatalf("%d lines after %d", len(got), i+1)
		}
	}
	o.Started()
	o.Wait(nil)
}

func TestDrain_Ended_DoesNothing(t *testing.T) {
	o := openOutput(t, &kept{}, false)
	o.Started()
	o.Wait(nil)
	o.Drain()
}

// A process that got away holds its end of the pipe for as long as it likes.
func TestWait_EndHeld_GivesUp(t *testing.T) {
	var k kept
	o := openOutput(t, &k, false)
	stdout, _, _ := o.Files()
	if _, err := io.WriteString(stdout, "last words"); err != nil {
		t.Fatal(err)
	}
	giveUp := make(chan struct{})
	close(giveUp)
	o.Drain()
	o.Wait(giveUp)
	if diff := cmp.Diff([]string{"last words"}, k.sorted()); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	o.Started()
}
