package output

import "bytes"

// maxLine is where a line without an end is cut: what CloudWatch takes as one
// event.
const maxLine = 256 << 10

// splitter makes log events of what comes through a pipe.
type splitter interface {
	split(data []byte)
	end() // of the pipe: emits what is left
}

// lines splits at newlines, and only there.
type lines struct {
	emit    func(line []byte)
	partial []byte
}

func (l *lines) split(data []byte) {
	for len(data) > 0 {
		line, rest, ended := bytes.Cut(data, []byte{'\n'})
		if room := maxLine - len(l.partial); len(line) > room {
			line, rest, ended = data[:room], data[room:], true
		}
		if ended {
			l.finish(line)
		} else {
			l.partial = append(l.partial, line...)
		}
		data = rest
	}
}

// finish emits the unfinished line together with its end.
func (l *lines) finish(end []byte) {
	if len(l.partial) == 0 {
		l.emit(end)
		return
	}
	l.emit(append(l.partial, end...))
	l.partial = l.partial[:0]
}

func (l *lines) end() {
	if len(l.partial) > 0 {
		l.emit(l.partial)
		l.partial = nil
	}
}
