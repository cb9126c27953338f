package e2e_test

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"
)

func TestLog_JSONFormat(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t, func(in *lambda.CreateFunctionInput) {
		in.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatJson}
	})
	res := fn.invoke(t, event(t, "exec", "import logging; logging.getLogger('app').warning('careful %d', 7)"))
	platform, app := entries(t, res.Log)
	// The tail is taken before levels are looked at.
	want := []string{"platform.initStart", "platform.initRuntimeDone", "platform.initReport", "platform.start", "platform.runtimeDone", "platform.report"}
	if diff := cmp.Diff(want, platform); diff != "" {
		t.Errorf("the platform's entries in the tail (-want +got):\n%s", diff)
	}
	wantApp := []map[string]any{{"level": "WARNING", "message": "careful 7", "logger": "app", "requestId": res.RequestID}}
	if diff := cmp.Diff(wantApp, app); diff != "" {
		t.Errorf("the function's entries (-want +got):\n%s", diff)
	}
	// In the log itself what is less than INFO is left out.
	eventually(t, "print the log", func() bool {
		var log string
		for line := range strings.Lines(hearth(t, nil, "logs", fn.name, "--endpoint", fn.d.endpoint).stdout) {
			_, message, _ := strings.Cut(line, " ")
			log += message
		}
		platform, _ = entries(t, log)
		return slices.Contains(platform, "platform.report")
	})
	if diff := cmp.Diff([]string{"platform.start", "platform.report"}, platform); diff != "" {
		t.Errorf("the platform's entries in the log (-want +got):\n%s", diff)
	}
}

// entries decodes a log in the JSON format: the types of the platform's
// entries, and the function's entries without their time.
func entries(t *testing.T, log string) (platform []string, app []map[string]any) {
	t.Helper()
	for line := range strings.Lines(log) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatalf("a line that is not JSON: %q", line)
		}
		if kind, ok := entry["type"].(string); ok {
			platform = append(platform, kind)
			continue
		}
		delete(entry, "timestamp")
		app = append(app, entry)
	}
	return platform, app
}

func TestLog_StreamIsAFile(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	stream := evaluate[string](t, fn, "os.environ['AWS_LAMBDA_LOG_STREAM_NAME']")
	id := stream[strings.LastIndexByte(stream, ']')+1:]
	eventually(t, "find its report in a file of the data directory", func() bool {
		found := false
		err := filepath.WalkDir(filepath.Join(fn.d.dir, "logs"), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.Contains(path, fn.name) || !strings.Contains(path, id) {
				return err
			}
			content, err := os.ReadFile(path)
			found = strings.Contains(string(content), "REPORT RequestId: ")
			return err
		})
		return err == nil && found
	})
}

func TestLog_OfADeletedFunction_IsKept(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	fn.invoke(t, event(t, "exec", "print('before the end')"))
	if _, err := fn.d.client().DeleteFunction(ctxFor(t), &lambda.DeleteFunctionInput{FunctionName: &fn.name}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "find its log", func() bool {
		p := hearth(t, nil, "logs", fn.name, "--endpoint", fn.d.endpoint)
		return p.code == 0 && strings.Contains(p.stdout, "before the end\n")
	})
	if p := hearth(t, nil, "logs", fn.name+"-that-never-was", "--endpoint", fn.d.endpoint); p.code == 0 || !strings.Contains(p.stderr, "Function not found") {
		t.Errorf("exit code %d: %s", p.code, p.stderr)
	}
}

func TestLog_TailIsTheLast4KiB(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	res := fn.invoke(t, event(t, "exec", "[print('%04d' % i, 'x' * 94) for i in range(100)]"))
	if len(res.Log) != 4096 || !strings.Contains(res.Log, "0099 x") || strings.Contains(res.Log, "0050 x") {
		t.Errorf("a log of 10,000 bytes has a tail of %d: %.50s...", len(res.Log), res.Log)
	}
}

func TestLog_EventOfSeveralLines_IsOneEvent(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	fn.invoke(t, event(t, "exec", `import logging; logging.getLogger().error('first\n  second')`))
	eventually(t, "find the event in the log", func() bool {
		for line := range strings.Lines(hearth(t, nil, "logs", fn.name, "--json", "--endpoint", fn.d.endpoint).stdout) {
			var entry struct{ Message string }
			if err := json.Unmarshal([]byte(line), &entry); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if strings.HasPrefix(entry.Message, "[ERROR]") && strings.HasSuffix(entry.Message, "\tfirst\n  second") {
				return true
			}
		}
		return false
	})
}

func TestXRay_SegmentOfAFunction_IsAmongTheTraces(t *testing.T) {
	t.Parallel()
	fn := shared(t).python(t)
	trace := "1-581cf771-" + strings.Repeat("a", 24)
	fn.invoke(t, event(t, "exec", `import os, socket
host, port = os.environ['AWS_XRAY_DAEMON_ADDRESS'].split(':')
segment = b'{"format":"json","version":1}\n{"name":"n","id":"70de5b6f19ff9a0a","trace_id":"`+trace+`"}'
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(segment, (host, int(port)))`))
	eventually(t, "find the segment", func() bool {
		resp, err := http.Get(fn.d.endpoint + "/_hearth/traces?traceId=" + trace)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var segment struct{ ID string }
		return json.NewDecoder(resp.Body).Decode(&segment) == nil && segment.ID == "70de5b6f19ff9a0a"
	})
}
