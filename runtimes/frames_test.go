package runtimes_test

import (
	"encoding/binary"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/hearthd/hearth/runtimes"
)

// frame is a log event as a runtime framed it.
type frame struct {
	kind uint32
	time time.Time
	text string
}

// frames decodes what a runtime wrote, which has to be frames and nothing else.
func frames(t *testing.T, log string) []frame {
	t.Helper()
	var all []frame
	for log != "" {
		if len(log) < 16 {
			t.Fatalf("%d bytes after the last frame: %q", len(log), log)
		}
		header := []byte(log[:16])
		n := int(binary.BigEndian.Uint32(header[4:]))
		if len(log) < 16+n {
			t.Fatalf("a frame of %d bytes in %d", n, len(log)-16)
		}
		all = append(all, frame{
			binary.BigEndian.Uint32(header), time.UnixMicro(int64(binary.BigEndian.Uint64(header[8:]))), log[16 : 16+n],
		})
		log = log[16+n:]
	}
	return all
}

// framed is the environment of a function whose frames go to standard output,
// which it does not use otherwise.
func framed(more ...string) map[string]string {
	env := map[string]string{"_LAMBDA_TELEMETRY_LOG_FD": "1"}
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return env
}

// wantFrames compares the types and texts of frames, and looks at their times.
func wantFrames(t *testing.T, got []frame, want ...frame) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d frames, want %d: %v", len(got), len(want), got)
	}
	for i := range got {
		if got[i].kind != want[i].kind || !strings.Contains(got[i].text, want[i].text) {
			t.Errorf("frame %d is %#x %q, want %#x %q", i, got[i].kind, got[i].text, want[i].kind, want[i].text)
		}
		if since := time.Since(got[i].time); since < -time.Minute || since > time.Hour {
			t.Errorf("frame %d is of %v", i, got[i].time)
		}
	}
}

func TestPython_Frames(t *testing.T) {
	each(t, runtimes.Python, func(t *testing.T, runtime string) {
		e := start(t, function{
			runtime: runtime, handler: "app.handler", env: framed(),
			files: map[string]string{"app.py": `
import logging, os
def handler(event, context):
    assert "_LAMBDA_TELEMETRY_LOG_FD" not in os.environ
    log = logging.getLogger()
    log.setLevel(1)
    log.debug("d")
    log.critical("two\nlines")
    raise ValueError("boom")
`},
		})
		e.send(event{body: "{}"})
		e.stop()
		wantFrames(t, frames(t, e.log.String()),
			frame{kind: 0xa55a000b, text: "\td\n"},
			frame{kind: 0xa55a001b, text: "\ttwo\nlines\n"},
			frame{kind: 0xa55a0017, text: "[ERROR] ValueError: boom\nTraceback (most recent call last):\n\u00a0\u00a0File "})
	})
}

func TestPython_FramesOfJSON(t *testing.T) {
	e := start(t, function{
		runtime: newest(t, runtimes.Python), handler: "app.handler", env: framed("AWS_LAMBDA_LOG_FORMAT", "JSON"),
		files: map[string]string{"app.py": "import logging\ndef handler(event, context):\n    logging.getLogger().warning('two\\nlines')\n"},
	})
	e.invoke("{}")
	e.stop()
	got := frames(t, e.log.String())
	wantFrames(t, got, frame{kind: 0xa55a0012, text: `"two\nlines"`})
	if !json.Valid([]byte(got[0].text)) {
		t.Errorf("not JSON: %q", got[0].text)
	}
}

func TestNode_Frames(t *testing.T) {
	each(t, runtimes.Node, func(t *testing.T, runtime string) {
		e := start(t, function{
			runtime: runtime, handler: "app.handler", env: framed(),
			files: map[string]string{"app.js": `
exports.handler = async () => {
  if ("_LAMBDA_TELEMETRY_LOG_FD" in process.env) throw new Error("it is in the environment");
  console.trace("t");
  console.log("two\nlines");
  console.error("é".repeat(50000));
  return 1;
};
`},
		})
		e.invoke("{}")
		e.stop()
		wantFrames(t, frames(t, e.log.String()),
			frame{kind: 0xa55a0007, text: "\tTRACE\tt"},
			frame{kind: 0xa55a000f, text: "\tINFO\ttwo\nlines"},
			frame{kind: 0xa55a0017, text: strings.Repeat("é", 50000)})
	})
}

func TestNode_FramesOfJSON(t *testing.T) {
	e := start(t, function{
		runtime: newest(t, runtimes.Node), handler: "app.handler", env: framed("AWS_LAMBDA_LOG_FORMAT", "JSON"),
		files: map[string]string{"app.js": `exports.handler = async () => { console.warn("two\nlines"); return 1; };`},
	})
	e.invoke("{}")
	e.stop()
	got := frames(t, e.log.String())
	wantFrames(t, got, frame{kind: 0xa55a0012, text: `"two\nlines"`})
	if !json.Valid([]byte(got[0].text)) {
		t.Errorf("not JSON: %q", got[0].text)
	}
}
