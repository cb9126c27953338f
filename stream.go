package hearth

import (
	"io"
	"sync"
)

// MaxStream is how many bytes of a streamed response reach the caller: 200 MiB
// and, as on AWS, one more. What a function writes beyond is dropped.
const MaxStream = 200<<20 + 1

// streamBuffer is how many bytes of a response wait for a slow caller at most.
const streamBuffer = 64 << 10

// Stream carries the response of one invocation to a caller that wants it as
// it is produced. The runtime's side writes, the caller's side reads:
//
//	Executed ── Begin ── Write* ── Close        Head ── Read* ── io.EOF, or Discard
//
// It holds a bounded number of bytes: a function that is faster than its
// caller waits, and one whose caller is gone (Discard) writes to nowhere.
// Whoever runs the invocation closes the stream when it is over, however it
// ended; what was written before can still be read. All methods may be called
// from several goroutines.
type Stream struct {
	mu          sync.Mutex
	change      sync.Cond // of anything below
	head        StreamHead
	begun       bool
	closed      bool
	discarded   bool
	buf         [streamBuffer]byte
	start, held int   // the bytes in buf, which is a ring
	written     int64 // up to MaxStream
}

// StreamHead is what is known of a response when it begins.
type StreamHead struct {
	ContentType     string // as the runtime sent it
	ExecutedVersion string
}

// NewStream returns a stream without content.
func NewStream() *Stream {
	s := &Stream{}
	s.change.L = &s.mu
	return s
}

// Executed notes the version that runs, for the caller to see before the first
// byte. It is called before Begin.
func (s *Stream) Executed(version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.head.ExecutedVersion = version
}

// Begin makes the response begin. Without it, a stream that is closed carried
// none: the function's answer, or what the platform says in its place, is in
// the Result alone.
func (s *Stream) Begin(contentType string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.head.ContentType, s.begun = contentType, true
	s.change.Broadcast()
}

// Write adds to the response, after Begin. It waits for the reader while the
// buffer is full, and fails with io.ErrClosedPipe once the stream is closed. It
// keeps nothing of p.
func (s *Stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := p[:min(int64(len(p)), MaxStream-s.written)]
	s.written += int64(len(kept))
	for len(kept) > 0 {
		for s.held == len(s.buf) && !s.closed && !s.discarded {
			s.change.Wait()
		}
		switch {
		case s.closed:
			return 0, io.ErrClosedPipe
		case s.discarded:
			return len(p), nil
		}
		end := (s.start + s.held) % len(s.buf)
		n := copy(s.buf[end:min(len(s.buf), end+len(s.buf)-s.held)], kept)
		s.held += n
		kept = kept[n:]
		s.change.Broadcast()
	}
	return len(p), nil
}

// Close ends the response; more than once is fine.
func (s *Stream) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.change.Broadcast()
}

// Head waits for the beginning of the response. It returns false when the
// stream was closed without one.
func (s *Stream) Head() (StreamHead, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.begun && !s.closed {
		s.change.Wait()
	}
	return s.head, s.begun
}

// Read waits for content and returns what there is of it; io.EOF at the end of
// a closed stream, and after Discard.
func (s *Stream) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.held == 0 && !s.closed && !s.discarded {
		s.change.Wait()
	}
	if s.held == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.buf[s.start:min(len(s.buf), s.start+s.held)])
	s.start = (s.start + n) % len(s.buf)
	s.held -= n
	s.change.Broadcast()
	return n, nil
}

// Discard is for when the reader is gone: what was written and will be is
// dropped, and the writer does not wait any more.
func (s *Stream) Discard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.discarded, s.held = true, 0
	s.change.Broadcast()
}
