package logs

import (
	"sync"
	"time"

	"github.com/hearthd/hearth"
)

// TailSize is how much of an invocation's log the caller can ask for.
const TailSize = 4096

// Sink takes the lines of an environment: a Stream, or whatever else shows them.
type Sink interface {
	// Append adds one event. The message has no newline, and is only valid
	// during the call.
	Append(t time.Time, message []byte)
	// Name is the log stream's name.
	Name() string
}

// Recorder writes what one environment emits to its stream and keeps the tail
// of the invocation in progress.
type Recorder struct {
	stream Sink
	render renderer

	mu   sync.Mutex
	line []byte // scratch
	tail []byte // the last lines, newlines included; trimmed when twice too long
}

// Runtime names what an environment runs, for its INIT_START line.
type Runtime struct{ Version, ARN string }

// NewRecorder renders for a version of a function.
func NewRecorder(stream Sink, fn *hearth.Function, rt Runtime) *Recorder {
	return &Recorder{stream: stream, render: newRenderer(fn, rt, stream.Name())}
}

// Record writes a platform event, in the function's log format; most kinds
// have no line of their own in text, and levels filter those of JSON.
func (r *Recorder) Record(ev *hearth.PlatformEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.line = r.render.event(r.line[:0], ev)
	for line := range splitLines(r.line) {
		r.writeLocked(ev.Time, line)
	}
}

// Output writes a line of a process.
func (r *Recorder) Output(line []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writeLocked(time.Now(), line)
}

func (r *Recorder) writeLocked(t time.Time, line []byte) {
	r.stream.Append(t, line)
	if len(line) > TailSize {
		r.tail = append(r.tail[:0], line[len(line)-TailSize:]...)
	} else {
		r.tail = append(r.tail, line...)
	}
	r.tail = append(r.tail, '\n')
	if len(r.tail) > 2*TailSize {
		r.tail = append(r.tail[:0], r.tail[len(r.tail)-TailSize:]...)
	}
}

// CutTail begins a new tail and returns the old one, at most TailSize bytes,
// when it is wanted.
func (r *Recorder) CutTail(wanted bool) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	var old []byte
	if wanted {
		old = append(old, r.tail[max(0, len(r.tail)-TailSize):]...)
	}
	r.tail = r.tail[:0]
	return old
}
