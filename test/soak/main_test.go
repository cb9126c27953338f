// Package soak_test runs the built daemon under load while what it runs dies at
// random: processes killed from outside, functions that exit or run into their
// time-out, extensions that crash, callers that go away, functions that are
// changed and deleted. In the end every answer belonged to its request, no event
// ran twice, nothing failed that the test did not break, and nothing is left: no
// process, mount, control group, file descriptor or goroutine.
//
//	go test ./test/soak -soak.time=1h
package soak_test

import (
	"flag"
	"testing"
	"time"
)

var soakTime = flag.Duration("soak.time", 10*time.Second, "how long the load goes on, for each sandbox")

func TestSoak_Namespace(t *testing.T) { soak(t, "namespace") }

func TestSoak_Process(t *testing.T) { soak(t, "process") }
