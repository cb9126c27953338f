package single

import (
	"io"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/node/launch"
)

// stderrLog shows a function's log as it comes. It is launch.Logs, and the one log
// stream there is.
type stderrLog struct {
	w      io.Writer
	before func() // ends the spinner
}

func (l stderrLog) Sink(*hearth.Function, string) launch.Sink { return l }

func (l stderrLog) Append(_ time.Time, message []byte) {
	l.before()
	_, _ = l.w.Write(append(append(make([]byte, 0, len(message)+1), message...), '\n'))
}

func (stderrLog) Name() string { return time.Now().UTC().Format("2006/01/02/") + "[$LATEST]local" }
