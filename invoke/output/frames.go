package output

import (
	"encoding/binary"
	"time"

	"github.com/hearthd/hearth"
)

// Frames are what the managed runtimes' clients write to the descriptor that
// _LAMBDA_TELEMETRY_LOG_FD names, in place of lines:
//
//	type     4 bytes, big endian: 0xa55a0000, or'ed with
//	           1       the text is plain, or else JSON
//	           2       there is a timestamp
//	           n<<2    the level: 1 TRACE ... 6 FATAL, 0 none
//	length   4 bytes: of the text
//	time     8 bytes, if there is one: microseconds since 1970
//	text
//
// A text is one log event, newlines and all.
const (
	frameMagic     = "\xa5\x5a" // no text begins so: it is not UTF-8
	frameTimed     = 2
	frameLevel     = 2 // the shift
	frameLevelMask = 7
)

// frameLevels are the levels by their number in a frame.
func frameLevels(n uint32) hearth.LogLevel {
	levels := [...]hearth.LogLevel{
		1: hearth.LevelTrace, hearth.LevelDebug, hearth.LevelInfo, hearth.LevelWarn, hearth.LevelError, hearth.LevelFatal,
	}
	if int(n) >= len(levels) {
		return ""
	}
	return levels[n]
}

// maxSkew is how far the time of a frame may be from now: it is the function's
// word, and logs are sorted by it.
const maxSkew = 10 * time.Minute

// frames splits a stream of frames. A text longer than maxLine becomes several
// events. What is no frame is taken for lines, to its end: there is nothing to
// find the next frame by.
type frames struct {
	emit  func(hearth.LogMessage)
	lines lines // what is no frame

	broken bool
	header []byte // of the frame in progress, so far
	level  hearth.LogLevel
	time   time.Time
	inText bool
	left   uint32 // bytes of its text to come
	text   []byte
}

// newFrames hands frames to emit, and what is no frame to line.
func newFrames(emit func(hearth.LogMessage), line func([]byte)) *frames {
	return &frames{emit: emit, lines: lines{emit: line}}
}

func (f *frames) split(data []byte) {
	for len(data) > 0 {
		switch {
		case f.broken:
			f.lines.split(data)
			return
		case f.inText:
			data = f.takeText(data)
		default:
			data = f.takeHeader(data)
		}
	}
}

// takeHeader consumes what belongs to the header.
func (f *frames) takeHeader(data []byte) []byte {
	const fixed, timed = 8, 16
	want := fixed
	if len(f.header) >= fixed { // it has a time, or it would be complete
		want = timed
	}
	n := min(want-len(f.header), len(data))
	f.header = append(f.header, data[:n]...)
	data = data[n:]
	if known := min(len(f.header), len(frameMagic)); string(f.header[:known]) != frameMagic[:known] {
		f.broken = true
		f.lines.split(f.header)
		return data
	}
	if len(f.header) < want {
		return data
	}
	kind := binary.BigEndian.Uint32(f.header)
	if kind&frameTimed != 0 && len(f.header) < timed {
		return data
	}
	f.level, f.left = frameLevels(kind>>frameLevel&frameLevelMask), binary.BigEndian.Uint32(f.header[4:])
	f.time = time.Now()
	if len(f.header) == timed {
		t := time.UnixMicro(int64(binary.BigEndian.Uint64(f.header[8:])))
		if skew := time.Until(t); skew.Abs() <= maxSkew {
			f.time = t
		}
	}
	f.header, f.inText = f.header[:0], true
	if f.left == 0 {
		f.finish()
	}
	return data
}

// takeText consumes what belongs to the text.
func (f *frames) takeText(data []byte) []byte {
	n := min(len(data), int(min(f.left, maxLine)), maxLine-len(f.text))
	f.text = append(f.text, data[:n]...)
	f.left -= uint32(n)
	switch {
	case f.left == 0:
		f.finish()
	case len(f.text) == maxLine:
		f.flushText()
	}
	return data[n:]
}

// finish ends a frame. The newline that loggers end their messages with is no
// part of the event.
func (f *frames) finish() {
	if n := len(f.text); n > 0 && f.text[n-1] == '\n' {
		f.text = f.text[:n-1]
	}
	f.flushText()
	f.inText = false
}

func (f *frames) flushText() {
	f.emit(hearth.LogMessage{Time: f.time, Level: f.level, Text: f.text})
	f.text = f.text[:0]
}

// end emits what is left of a frame that broke off.
func (f *frames) end() {
	switch {
	case f.broken:
		f.lines.end()
	case len(f.text) > 0:
		f.flushText()
	}
}
