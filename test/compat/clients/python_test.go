package clients_test

import (
	"fmt"
	"regexp"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthd/hearth/test/compat/fetch"
)

const awslambdaric = "4.2.2"

func TestPython(t *testing.T) {
	t.Parallel()
	python, noPython := fetch.Visible("python3")
	pip, noPip := fetch.Pip(t)
	toolchains.Require(t, noPython, noPip)
	version := fetch.Run(t, ".", nil, python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
	ric := fetch.Cached(t, "python", []string{awslambdaric, version}, func(dir string) {
		// For the interpreter that functions find, which need not be pip's.
		fetch.Run(t, dir, nil, append(pip, "install", "--quiet", "--disable-pip-version-check", "--target", dir,
			"--python-version", version, "--only-binary", ":all:", "awslambdaric=="+awslambdaric)...)
	})
	pkg := fetch.Assemble(t, ric, "testdata/python")
	fn := contract(t, client{
		pkg: pkg, handler: "app.handler", entrypoint: []string{python, "-m", "awslambdaric"},
		refusal: `\{"errorMessage": "no such thing", "errorType": "Refusal", "requestId": "ID", ` +
			`"stackTrace": \["  File \\"/var/task/app\.py\\", line \d+, in handler\\n.*", .*line \d+, in fail\\n.*"\]\}`,
	})
	t.Run("ReportsUnserializableValue", func(t *testing.T) {
		fn.invoke(t, `{"do":"unserializable"}`).failure(t,
			`\{"errorMessage": "Unable to marshal response: Object of type object is not JSON serializable", `+
				`"errorType": "Runtime\.MarshalError", "requestId": "ID", "stackTrace": \[\]\}`)
	})
	t.Run("LogsWithRequestID", func(t *testing.T) { pythonLogsWithRequestID(t, fn) })
	t.Run("LogsJSON", func(t *testing.T) {
		fn := sandboxed.deploy(t, pkg, "app.handler", timeoutSeconds)
		line := map[string]any{"level": "WARNING", "logger": "root", "requestId": "ID"}
		logsJSON(t, fn, types.ApplicationLogLevelInfo, map[string]map[string]any{"to the logger": line})
		logsJSON(t, fn, types.ApplicationLogLevelError, map[string]map[string]any{"to the logger": nil})
	})
	t.Run("LogsFramed", func(t *testing.T) { logsFramed(t, pkg, "python"+version) })
	t.Run("TakesSeveral", func(t *testing.T) { takesSeveral(t, pkg, "app.handler") })
	t.Run("WorkersHaveTheirOwnLogs", func(t *testing.T) { workersHaveTheirOwnLogs(t, pkg) })
	t.Run("ReportsImportError", func(t *testing.T) {
		failsInit(t, pkg, "missing.handler",
			`\{"errorMessage": "Unable to import module 'missing': No module named 'missing'", `+
				`"errorType": "Runtime\.ImportModuleError", "requestId": "", "stackTrace": \[\]\}`)
	})
	t.Run("ReportsInitError", func(t *testing.T) {
		failsInit(t, pkg, "broken.handler",
			`\{"errorMessage": "not today", "errorType": "ValueError", "requestId": "", `+
				`"stackTrace": \[.*"  File \\"/var/task/broken\.py\\", line \d+, in <module>\\n    raise .*"\]\}`)
	})
}

// workersHaveTheirOwnLogs: what several workers write at a time does not end up
// in each other's lines, though they write lines in pieces.
func workersHaveTheirOwnLogs(t *testing.T, pkg string) {
	fn := sandboxed.deployManaged(t, pkg, "app.handler")
	fn.succeed(t, `{"do":"return","value":1}`) // the environment is there
	var calls errgroup.Group
	for i := range concurrency {
		calls.Go(func() error {
			_, err := fn.tryInvoke(t.Context(), fmt.Sprintf(`{"do":"pieces","value":"call %d"}`, i))
			return err
		})
	}
	if err := calls.Wait(); err != nil {
		t.Fatal(err)
	}
	for i := range concurrency {
		for _, stream := range []string{"output", "errors"} {
			fn.awaitLog(t, fmt.Sprintf("call %d begins its %s, goes on, and ends\n", i, stream))
		}
	}
}

func pythonLogsWithRequestID(t *testing.T, fn function) {
	res := fn.invoke(t, `{"do":"log"}`)
	line := regexp.MustCompile(`(?m)^\[WARNING\]\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t` + res.RequestID + `\tto the logger$`)
	if len(line.FindAllString(res.Log, -1)) != 1 {
		t.Errorf("the log is %q, want one line like %s", res.Log, line)
	}
}
