package thirdparty_test

import (
	"path/filepath"
	"testing"

	"github.com/hearthd/hearth/test/compat/fetch"
)

func TestPython(t *testing.T) {
	t.Parallel()
	python, noPython := fetch.Visible("python3")
	pip, noPip := fetch.Pip(t)
	toolchains.Require(t, noPython, noPip)
	version := fetch.Run(t, ".", nil, python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
	layer := fetch.Cached(t, "thirdparty-python", append(fetch.Sources(t, "python"), version), func(dir string) {
		fetch.Run(t, "testdata/python", nil, append(pip, "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:",
			"--python-version", version, "--target", filepath.Join(dir, "python"), "--requirement", "requirements.txt")...)
	})
	archive := archived(t, layer)
	start := func(t *testing.T, handler string, timeoutSeconds int32) function {
		return deploy(t, settings{
			runtime: "python" + version, handler: handler, code: archived(t, "testdata/python"), layers: [][]byte{archive}, timeoutSeconds: timeoutSeconds,
		})
	}
	t.Run("Sentry", func(t *testing.T) {
		t.Parallel()
		sentryForPython(t, start(t, "reported.handler", 3))
	})
	t.Run("OpenTelemetry", func(t *testing.T) {
		t.Parallel()
		fn := start(t, "traced.handler", 0)
		id := fn.succeed(t, "{}")
		fn.awaitSent(t, "/v1/traces", "work", "faas.invocation_id", id, "function:"+fn.name)
	})
	t.Run("SIGTERM", func(t *testing.T) {
		t.Parallel()
		fn := start(t, "told.handler", 0)
		fn.succeed(t, "{}")
		fn.end(t)
		fn.awaitLine(t, "EXTENSION\tName: lambda-sigterm\tState: Ready\tEvents: []")
		fn.awaitLine(t, "told of the end")
	})
}

// sentryForPython: Sentry's integration replaces parts of AWS's runtime, to
// report errors and transactions before the answer is sent, and a time-out
// before it comes.
func sentryForPython(t *testing.T, fn function) {
	const envelope = "/api/42/envelope/"
	id := fn.succeed(t, "{}")
	fn.awaitSent(t, envelope, `"type":"transaction"`, id)
	fn.fail(t, `{"fail":true}`, "no such thing")
	fn.awaitSent(t, envelope, `"type":"event"`, `"value":"no such thing"`)
	fn.fail(t, `{"sleep":true}`, "Task timed out after 3.00 seconds")
	fn.awaitSent(t, envelope, "Function is expected to get timed out. Configured timeout duration = 3 seconds.")
}
