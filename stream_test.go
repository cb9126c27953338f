package hearth_test

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"github.com/hearthd/hearth"
)

// begun is a stream whose response has begun.
func begun() *hearth.Stream {
	s := hearth.NewStream()
	s.Executed("7")
	s.Begin("text/plain")
	return s
}

func TestStream_Head_WaitsForBegin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := hearth.NewStream()
		known := make(chan hearth.StreamHead, 1)
		go func() {
			head, _ := s.Head()
			known <- head
		}()
		synctest.Wait()
		select {
		case head := <-known:
			t.Fatalf("head %+v of a response that has not begun", head)
		default:
		}
		s.Executed("7")
		s.Begin("text/plain")
		if got, want := <-known, (hearth.StreamHead{ContentType: "text/plain", ExecutedVersion: "7"}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

func TestStream_ClosedWithoutBegin_HasNoHead(t *testing.T) {
	s := hearth.NewStream()
	s.Close()
	if _, ok := s.Head(); ok {
		t.Error("a response that never began has a head")
	}
	if n, err := s.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("read: %d %v", n, err)
	}
}

func TestStream_Read_ReturnsWhatThereIs(t *testing.T) {
	s := begun()
	for _, chunk := range []string{"ab", "c"} {
		if n, err := s.Write([]byte(chunk)); n != len(chunk) || err != nil {
			t.Fatalf("write: %d %v", n, err)
		}
	}
	buf := make([]byte, 16)
	if n, err := s.Read(buf); string(buf[:n]) != "abc" || err != nil {
		t.Errorf("read %q %v", buf[:n], err)
	}
}

func TestStream_Closed_IsReadToItsEnd(t *testing.T) {
	s := begun()
	if _, err := s.Write([]byte("abc")); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s.Close()
	if got, err := io.ReadAll(s); string(got) != "abc" || err != nil {
		t.Errorf("read %q %v", got, err)
	}
}

func TestStream_FullBuffer_HoldsTheWriterBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, done := begun(), make(chan error, 1)
		sent := bytes.Repeat([]byte("0123456789abcdef-"), 64<<10)
		go func() {
			_, err := s.Write(sent)
			s.Close()
			done <- err
		}()
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("a writer of 1 MiB did not wait for its reader: %v", err)
		default:
		}
		got, err := io.ReadAll(s)
		if err != nil || !bytes.Equal(got, sent) {
			t.Errorf("read %d bytes, %v; want the %d that were sent", len(got), err, len(sent))
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestStream_Close_ReleasesTheWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, done := begun(), make(chan error, 1)
		go func() {
			_, err := s.Write(make([]byte, 1<<20))
			done <- err
		}()
		synctest.Wait()
		s.Close()
		if err := <-done; !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("got %v, want a closed pipe", err)
		}
	})
}

func TestStream_Discard_TakesEverything(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, done := begun(), make(chan error, 1)
		go func() {
			for range 4 {
				if n, err := s.Write(make([]byte, 1<<20)); n != 1<<20 || err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		synctest.Wait()
		s.Discard()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if n, err := s.Read(make([]byte, 1)); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("read: %d %v", n, err)
		}
	})
}

func TestStream_BeyondTheLimit_IsDropped(t *testing.T) {
	s := begun()
	go func() { // ends with the reading
		chunk := make([]byte, 1<<20)
		for range 201 {
			_, _ = s.Write(chunk)
		}
		s.Close()
	}()
	if n, err := io.Copy(io.Discard, s); n != hearth.MaxStream || err != nil {
		t.Errorf("read %d bytes, %v; want %d", n, err, hearth.MaxStream)
	}
}
