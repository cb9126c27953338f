package clients_test

import (
	"path/filepath"
	"testing"

	"github.com/hearthd/hearth/test/compat/fetch"
)

func TestGo(t *testing.T) {
	t.Parallel()
	pkg := t.TempDir()
	fetch.Run(t, ".", []string{"CGO_ENABLED=0"}, "go", "build", "-o", filepath.Join(pkg, "bootstrap"), "./golang")
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
	t.Run("Streams", func(t *testing.T) {
		fn := sandboxed.deploy(t, pkg, "stream.handler", timeoutSeconds)
		streams(t, fn, "", `{"statusCode":418,"headers":{"x-a":"1"},"cookies":["c=d"]}`+preludeEnd)
		fn.stream(t, `{"do":"fail"}`).want(t, "prefix")
		fn.stream(t, `{"do":"fail-early"}`).want(t, `{"errorMessage":"early","errorType":"errorString"}`)
	})
	t.Run("ServesURLs", func(t *testing.T) {
		const request = `{"version":"2.0","rawPath":"/a/b","requestContext":{"http":{"method":"PUT","path":"/a/b"}},"body":" it","isBase64Encoded":false}`
		const prelude = `{"statusCode":202,"headers":{"X-Method":"PUT"}}`
		sandboxed.deploy(t, pkg, "url.handler", timeoutSeconds).stream(t, request).want(t, prelude+preludeEnd+"/a/b it")
	})
	t.Run("ToldOfItsEnd", func(t *testing.T) { toldOfItsEnd(t, pkg) })
	t.Run("TakesSeveral", func(t *testing.T) { takesSeveral(t, pkg, "app.handler") })
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
