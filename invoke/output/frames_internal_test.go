package output

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"github.com/hearthd/hearth"
)

// frame is a frame as clients write them.
func frame(kind uint32, t time.Time, text string) []byte {
	b := binary.BigEndian.AppendUint32(nil, kind)
	b = binary.BigEndian.AppendUint32(b, uint32(len(text)))
	if kind&frameTimed != 0 {
		b = binary.BigEndian.AppendUint64(b, uint64(t.UnixMicro()))
	}
	return append(b, text...)
}

// messages runs data through a splitter in pieces of n bytes.
func messages(data []byte, n int) []hearth.LogMessage {
	var got []hearth.LogMessage
	f := newFrames(func(m hearth.LogMessage) {
		m.Text = bytes.Clone(m.Text)
		got = append(got, m)
	}, func(line []byte) { got = append(got, hearth.LogMessage{Time: time.Now(), Text: bytes.Clone(line)}) })
	for len(data) > 0 {
		k := min(n, len(data))
		f.split(data[:k])
		data = data[k:]
	}
	f.end()
	return got
}

func TestFrames_InPieces_AreOneEventEach(t *testing.T) {
	at := time.Now().Add(-time.Second).Truncate(time.Microsecond)
	var data []byte
	data = append(data, frame(0xa55a0017, at, "Traceback:\n  line 1\n  line 2\n")...)
	data = append(data, frame(0xa55a000e, at, `{"level":"INFO"}`)...)
	data = append(data, frame(0xa55a0003, at, "")...)
	data = append(data, frame(0xa55a0001, at, "untimed")...)
	data = append(data, frame(0xa55a001b, at.AddDate(30, 0, 0), "from the future")...)
	for n := 1; n <= len(data); n++ {
		got := messages(data, n)
		if len(got) != 5 {
			t.Fatalf("in pieces of %d: %d events", n, len(got))
		}
		for i, want := range []struct {
			level hearth.LogLevel
			text  string
		}{{hearth.LevelError, "Traceback:\n  line 1\n  line 2"}, {hearth.LevelInfo, `{"level":"INFO"}`}, {"", ""}, {"", "untimed"}, {hearth.LevelFatal, "from the future"}} {
			if got[i].Level != want.level || string(got[i].Text) != want.text {
				t.Errorf("in pieces of %d: event %d is %s %q", n, i, got[i].Level, got[i].Text)
			}
		}
		if !got[0].Time.Equal(at) || time.Since(got[3].Time) > time.Minute || time.Until(got[4].Time) > time.Minute {
			t.Errorf("times: %v, %v, %v", got[0].Time, got[3].Time, got[4].Time)
		}
	}
}

func TestFrames_Longer_AreCutIntoBoundedEvents(t *testing.T) {
	got := messages(frame(0xa55a0013, time.Now(), strings.Repeat("x", 2*maxLine+10)), 5000)
	if len(got) != 3 || len(got[0].Text) != maxLine || len(got[1].Text) != maxLine || len(got[2].Text) != 10 {
		t.Errorf("%d events", len(got))
	}
}

func TestFrames_Nonsense_IsTakenForLines(t *testing.T) {
	data := append(frame(0xa55a0003, time.Now(), "good"), "plain line\nand another"...)
	for n := 1; n <= len(data); n++ {
		var texts []string
		for _, m := range messages(data, n) {
			texts = append(texts, string(m.Text))
		}
		if got := strings.Join(texts, "|"); got != "good|plain line|and another" {
			t.Fatalf("in pieces of %d: %q", n, got)
		}
	}
}

// What is shorter than a header is seen at once: who drains waits for no more.
func TestFrames_ShortLine_IsALine(t *testing.T) {
	var got []string
	f := newFrames(nil, func(line []byte) { got = append(got, string(line)) })
	f.split([]byte("a\n"))
	f.split([]byte("\n"))
	if strings.Join(got, "|") != "a|" {
		t.Errorf("got %q", got)
	}
}

func TestFrames_BrokenOff_KeepsWhatCame(t *testing.T) {
	data := frame(0xa55a0003, time.Now(), "half a message")
	got := messages(data[:len(data)-8], 3)
	if len(got) != 1 || string(got[0].Text) != "half a" {
		t.Errorf("got %v", got)
	}
}

func FuzzFrames(f *testing.F) {
	f.Add(frame(0xa55a0003, time.Now(), "one\ntwo"), 3)
	f.Add(frame(0xa55a000d, time.Now(), "x"), 1)
	f.Add([]byte("no frame\n\xa5\x5a\x00\x03\xff\xff\xff\xff"), 2)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		if n <= 0 {
			n = 1
		}
		total := 0
		for _, m := range messages(data, n) {
			if len(m.Text) > maxLine {
				t.Errorf("an event of %d bytes", len(m.Text))
			}
			if time.Since(m.Time).Abs() > maxSkew+time.Minute {
				t.Errorf("an event of %v", m.Time)
			}
			total += len(m.Text)
		}
		if total > len(data) {
			t.Errorf("%d bytes became %d", len(data), total)
		}
	})
}
