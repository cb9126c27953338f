package terminal

import (
	"fmt"
	"io"
	"time"
)

// Waiting shorter than spinAfter needs no explanation.
const (
	spinAfter = 300 * time.Millisecond
	spinEvery = 100 * time.Millisecond
)

// Spin draws a line with text and the time that has passed, once the wait gets
// noticeable, until stop is called. stop wipes the line and returns when nothing
// is drawn any more; it is called once. Nothing is drawn unless the standard
// error is a terminal.
func (t *Terminal) Spin(text string) (stop func()) {
	if !t.Draws {
		return func() {}
	}
	quit, done := make(chan struct{}), make(chan struct{})
	// Ends when stop is called, which waits for it.
	go func() {
		defer close(done)
		draw(t.Stderr, text, quit)
	}()
	return func() {
		close(quit)
		<-done
	}
}

func draw(w io.Writer, text string, quit <-chan struct{}) {
	start := time.Now()
	select {
	case <-quit:
		return
	case <-time.After(spinAfter):
	}
	ticker := time.NewTicker(spinEvery)
	defer ticker.Stop()
	for frame := 0; ; frame++ {
		fmt.Fprintf(w, "\r%c %s (%.1f s)\x1b[K", `|/-\`[frame%4], text, time.Since(start).Seconds())
		select {
		case <-quit:
			fmt.Fprint(w, "\r\x1b[K")
			return
		case <-ticker.C:
		}
	}
}
