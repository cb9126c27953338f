package clients_test

import (
	"path/filepath"
	"testing"
)

func TestGo(t *testing.T) {
	t.Parallel()
	pkg := t.TempDir()
	mustRun(t, ".", []string{"CGO_ENABLED=0"}, "go", "build", "-o", filepath.Join(pkg, "bootstrap"), "./golang")
	fn := contract(t, client{
		pkg: pkg, handler: "app.handler", entrypoint: []string{"./bootstrap"},
		refusal: `\{"errorMessage":"no such thing","errorType":"refusal"\}`,
	})
	t.Run("NamesWrappedError", func(t *testing.T) {
		fn.invoke(t, `{"do":"wrap"}`).failure(t, `\{"errorMessage":"asked: no","errorType":"wrapError"\}`)
	})
	// The client reports a panic with its stack, and exits: what the caller
	// sees is the report.
	t.Run("ReportsPanic", func(t *testing.T) {
		endsProcess(t, fn, `{"do":"panic"}`,
			`\{"errorMessage":"runtime error: invalid memory address or nil pointer dereference","errorType":"errorString",`+
				`"stackTrace":\[\{"path":"[^"]*","line":\d+,"label":"[^"]*"\}.*\{"path":"[^"]*golang/main\.go","line":\d+,"label":"\(\*app\)\.handle"\}.*\]\}`)
	})
	t.Run("RefusesEventOfAnotherType", func(t *testing.T) {
		fn.invoke(t, `[]`).failure(t, `\{"errorMessage":"json: cannot unmarshal array into Go value of type main\.event","errorType":"UnmarshalTypeError"\}`)
	})
	t.Run("TakesEventsOfAWS", func(t *testing.T) { goTakesEventsOfAWS(t, pkg) })
	t.Run("ExitsAtInit", func(t *testing.T) {
		failsInit(t, pkg, "no.handler",
			`\{"errorType":"Runtime\.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 4"\}`)
	})
}

func goTakesEventsOfAWS(t *testing.T, pkg string) {
	const batch = `{"Records":[{"messageId":"a","body":"work","eventSource":"aws:sqs"},{"messageId":"b","body":"","eventSource":"aws:sqs"}]}`
	got := sandboxed.deploy(t, pkg, "app.queue", timeoutSeconds).succeed(t, batch)
	if want := `{"batchItemFailures":[{"itemIdentifier":"b"}]}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
