package logs

import (
	"bytes"
	"sync"
	"time"

	"github.com/hearthd/hearth"
)

// TailSize is how much of an invocation's log the caller can ask for.
const TailSize = 4096

// Sink takes the lines of an environment: a Stream, or whatever else shows them.
type Sink interface {
	// Append adds one event. The message may have newlines, but for its end,
	// and is only valid during the call.
	Append(t time.Time, message []byte)
	// Name is the log stream's name.
	Name() string
}

// Recorder writes what one environment emits to its stream and keeps the tail
// of the invocation in progress.
type Recorder struct {
	stream Sink
	render renderer
	filter filter

	mu   sync.Mutex
	line []byte // scratch
	tail []byte // the last lines, newlines included; trimmed now and then
}

// Runtime names what an environment runs, for its INIT_START line.
type Runtime struct{ Version, ARN string }

// NewRecorder renders for a version of a function.
func NewRecorder(stream Sink, fn *hearth.Function, rt Runtime) *Recorder {
	return &Recorder{stream: stream, render: newRenderer(fn, rt, stream.Name()), filter: newFilter(fn.Logging)}
}

// Record writes a platform event, in the function's log format; most kinds
// have no line of their own in text, and levels filter those of JSON.
func (r *Recorder) Record(ev *hearth.PlatformEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.line = r.render.event(r.line[:0], ev)
	logged := r.render.logged(ev)
	for line := range splitLines(r.line) {
		if logged {
			r.stream.Append(ev.Time, line)
		}
		if ev.Kind != hearth.EventInitStart || r.render.isJSON() { // tails of text begin after INIT_START
			r.keepLocked(line)
		}
	}
}

// Output writes a line of a process. The application log level filters those of
// the function.
func (r *Recorder) Output(source hearth.LogSource, line []byte) {
	passes := source != hearth.SourceFunction || r.filter.passes("", line)
	r.write(time.Now(), line, passes)
}

// Message writes a framed event of the function.
func (r *Recorder) Message(m hearth.LogMessage) {
	r.write(m.Time, m.Text, r.filter.passes(m.Level, m.Text))
}

// write adds an event to the tail and, if it passes, to the stream.
func (r *Recorder) write(t time.Time, message []byte, passes bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if passes {
		r.stream.Append(t, message)
	}
	r.keepLocked(message)
}

// keepLocked adds a line to the tail. More than TailSize is kept: whether the
// tail begins with a whole line is seen from what is before it.
func (r *Recorder) keepLocked(line []byte) {
	r.tail = append(r.tail, line[max(0, len(line)-2*TailSize):]...)
	r.tail = append(r.tail, '\n')
	if len(r.tail) > 4*TailSize {
		r.tail = append(r.tail[:0], r.tail[len(r.tail)-2*TailSize:]...)
	}
}

// CutTail begins a new tail and returns the old one when it is wanted: the last
// TailSize bytes. As on AWS, the pieces of a character that was cut become
// replacement characters, which are longer, and of JSON logs only whole lines
// are returned.
func (r *Recorder) CutTail(wanted bool) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	tail := r.tail
	r.tail = r.tail[:0]
	switch from := len(tail) - TailSize; {
	case !wanted:
		return nil
	case from > 0 && r.render.isJSON() && tail[from-1] != '\n':
		_, tail, _ = bytes.Cut(tail[from:], []byte{'\n'})
	case from > 0:
		tail = tail[from:]
	}
	// The conversion through runes replaces each broken byte, and copies.
	return []byte(string([]rune(string(tail))))
}
