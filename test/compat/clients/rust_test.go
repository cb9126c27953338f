package clients_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/hearthd/hearth/test/compat/fetch"
)

func TestRust(t *testing.T) {
	t.Parallel()
	toolchains.Require(t, fetch.Installed("cargo", "cc"))
	// The pinned version of the client is in Cargo.toml.
	key := append(fetch.Sources(t, "rust"), fetch.Run(t, ".", nil, "cargo", "--version"))
	built := fetch.Cached(t, "rust", key, func(dir string) {
		source := fetch.Assemble(t, "testdata/rust")
		// Dependencies outlive a change of the function.
		target := filepath.Join(filepath.Dir(dir), "rust-target")
		fetch.Run(t, source, []string{"CARGO_TARGET_DIR=" + target}, "cargo", "build", "--release", "--quiet")
		for _, program := range []string{"bootstrap", "extension"} {
			if err := os.MkdirAll(filepath.Join(dir, program), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.Link(filepath.Join(target, "release", program), filepath.Join(dir, program, program)); err != nil {
				t.Fatal(err)
			}
		}
	})
	pkg := fetch.Assemble(t, filepath.Join(built, "bootstrap"))
	fn := contract(t, client{
		pkg: pkg, handler: "app.handler", entrypoint: []string{"./bootstrap"},
		refusal: `\{"errorType":"Refusal","errorMessage":"no such thing"\}`,
	})
	// The client catches panics: the process goes on.
	t.Run("ReportsPanic", func(t *testing.T) {
		reportsError(t, fn, `{"do":"panic"}`, `\{"errorType":"[^"]*","errorMessage":"Lambda panicked: on the floor"\}`)
	})
	t.Run("RefusesEventOfAnotherType", func(t *testing.T) {
		fn.invoke(t, `[]`).failure(t, `\{"errorType":"[^"]*DeserializeError","errorMessage":"failed to deserialize the incoming data [^"]*invalid length 0[^"]*"\}`)
	})
	t.Run("Streams", func(t *testing.T) { rustStreams(t, pkg) })
	t.Run("ToldOfItsEnd", func(t *testing.T) { toldOfItsEnd(t, pkg) })
	t.Run("Extends", func(t *testing.T) { rustExtends(t, pkg, filepath.Join(built, "extension", "extension")) })
	t.Run("TakesSeveral", func(t *testing.T) { takesSeveral(t, pkg, "concurrent.handler") })
	t.Run("ExitsAtInit", func(t *testing.T) {
		failsInit(t, pkg, "broken.handler",
			`\{"errorType":"Runtime\.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 1"\}`)
	})
}

// rustStreams: the client makes an HTTP response of every stream, and writes
// its trailers into the body.
func rustStreams(t *testing.T, pkg string) {
	const plain = `{"statusCode":200,"headers":{"content-type":"application/octet-stream"},"cookies":[]}` + preludeEnd
	fn := sandboxed.deploy(t, pkg, "stream.handler", timeoutSeconds)
	streams(t, fn, plain, `{"statusCode":418,"headers":{"x-a":"1","content-type":"application/octet-stream"},"cookies":["c=d"]}`+preludeEnd)
	fn.stream(t, `{"do":"fail"}`).want(t, plain+"prefixLambda-Runtime-Function-Error-Type: Runtime.StreamError\r\n"+
		"Lambda-Runtime-Function-Error-Body: dXNlciBib2R5IHdyaXRlIGFib3J0ZWQ=\r\n")
	fn.invoke(t, `{"do":"fail-early"}`).failure(t, `\{"errorType":"[^"]*","errorMessage":"early"\}`)
}

// rustExtends: the crate's extensions receive what they ask for, and say so in
// the function's log.
func rustExtends(t *testing.T, pkg, program string) {
	for _, test := range []struct {
		name string
		want []string // in the log, ID for the request
	}{
		{"rust-telemetry", []string{
			"telemetry: initStart OnDemand", "telemetry: INVOKE ID arn:aws:lambda:us-east-1:000000000000:function:NAME",
			"telemetry: start ID $LATEST", "telemetry: function to standard output", "telemetry: runtimeDone ID Success",
			"telemetry: report ID Success", "telemetry: SHUTDOWN spindown",
		}},
		{"rust-logs", []string{
			"logs: INVOKE ID arn:aws:lambda:us-east-1:000000000000:function:NAME", "logs: start ID", "logs: function to standard output",
			"logs: report ID of 1769 MB", "logs: SHUTDOWN spindown",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			fn := sandboxed.deploy(t, pkg, "app.handler", timeoutSeconds)
			content := t.TempDir()
			if err := errors.Join(os.Mkdir(filepath.Join(content, "extensions"), 0o755),
				os.Link(program, filepath.Join(content, "extensions", test.name))); err != nil {
				t.Fatal(err)
			}
			layer := sandboxed.publish(t, test.name, content)
			fn.configure(t, func(in *lambda.UpdateFunctionConfigurationInput) { in.Layers = []string{layer} })
			res := fn.invoke(t, `{"do":"log"}`)
			fn.configure(t, func(in *lambda.UpdateFunctionConfigurationInput) { in.Description = aws.String("ends environments") })
			for _, line := range test.want {
				fn.awaitLog(t, strings.NewReplacer("ID", res.RequestID, "NAME", fn.name).Replace(line))
			}
		})
	}
}
