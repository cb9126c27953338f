package terminal

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

func TestSpin_ShortWaitDrawsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stderr bytes.Buffer
		stop := (&Terminal{Stderr: &stderr, Draws: true}).Spin("waiting")
		<-time.After(spinAfter - time.Millisecond)
		stop()
		if stderr.Len() > 0 {
			t.Errorf("drew %q", &stderr)
		}
	})
}

func TestSpin_LongWaitDrawsAndWipes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stderr bytes.Buffer
		stop := (&Terminal{Stderr: &stderr, Draws: true}).Spin("waiting")
		<-time.After(spinAfter + spinEvery + time.Millisecond)
		stop()
		want := "\r| waiting (0.3 s)\x1b[K\r/ waiting (0.4 s)\x1b[K\r\x1b[K"
		if stderr.String() != want {
			t.Errorf("drew %q, want %q", &stderr, want)
		}
	})
}

func TestSpin_NoTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var stderr bytes.Buffer
		stop := (&Terminal{Stderr: &stderr}).Spin("waiting")
		<-time.After(time.Minute)
		stop()
		if stderr.Len() > 0 {
			t.Errorf("drew %q into a pipe", &stderr)
		}
	})
}
