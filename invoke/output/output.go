package output

import (
	"os"
	"time"

	"github.com/hearthd/hearth"
)

// A Sink takes what the streams of one process bring. Its functions are called
// from several goroutines, for one stream by one at a time.
type Sink struct {
	// Line takes a line, without its newline. The slice is only valid during
	// the call. A line of more than 256 KiB comes in several.
	Line func(line []byte)
	// Message takes an event that the process framed. Its text is bounded as a
	// line is.
	Message func(m hearth.LogMessage)
}

// Output is what one process writes. The zero Output is that of a process
// without any.
type Output struct {
	streams []*stream
	ends    []*os.File // the process's, of each stream
}

// Open makes the pipes of a process that is to be started, and begins to read
// them: its output, its errors, and when it is framed a log. It must be ended
// with Started and Wait.
func Open(to Sink, framed bool) (*Output, error) {
	into := []splitter{&lines{emit: to.Line}, &lines{emit: to.Line}}
	if framed {
		into = append(into, newFrames(to.Message, func(line []byte) {
			to.Message(hearth.LogMessage{Time: time.Now(), Text: line})
		}))
	}
	o := &Output{}
	for _, s := range into {
		read, write, err := openPipe()
		if err != nil {
			o.Started()
			o.Wait(nil)
			return nil, err
		}
		st := newStream(read, s, pipeBuffer)
		o.streams, o.ends = append(o.streams, st), append(o.ends, write)
		go st.run() // owned by Wait
	}
	return o, nil
}

// pipeBuffer is how much of a pipe is read at once, in bytes: half of what it
// holds.
const pipeBuffer = 32 << 10

// Files are the process's ends: its standard output, its standard error, and
// its log, which is nil when it is not framed. They stay the Output's.
func (o *Output) Files() (stdout, stderr, log *os.File) {
	stdout, stderr = o.ends[0], o.ends[1]
	if len(o.ends) > 2 {
		log = o.ends[2]
	}
	return stdout, stderr, log
}

// Started closes the daemon's copies of Files: the process has its own, or was
// not started.
func (o *Output) Started() {
	for _, end := range o.ends {
		_ = end.Close()
	}
}

// Drain takes what the process has written by now, up to a megabyte from each
// stream.
func (o *Output) Drain() {
	for _, s := range o.streams {
		s.drain()
	}
}

// Wait returns when everything has been read that the process wrote, and nothing
// comes to the Sink any more: when nobody holds the process's ends any more, or
// giveUp is closed. It may be called more than once.
func (o *Output) Wait(giveUp <-chan struct{}) {
	for _, s := range o.streams {
		s.wait(giveUp)
	}
}
