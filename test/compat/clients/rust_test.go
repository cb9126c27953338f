package clients_test

import (
	"os"
	"path/filepath"
	"testing"
)

func TestRust(t *testing.T) {
	t.Parallel()
	toolchains.require(t, installed("cargo", "cc"))
	// The pinned version of the client is in Cargo.toml.
	key := append(sources(t, "rust"), mustRun(t, ".", nil, "cargo", "--version"))
	built := cached(t, "rust", key, func(dir string) {
		source := assemble(t, "testdata/rust")
		// Dependencies outlive a change of the function.
		target := filepath.Join(cacheDir(t), "rust-target")
		mustRun(t, source, []string{"CARGO_TARGET_DIR=" + target}, "cargo", "build", "--release", "--quiet")
		if err := os.Link(filepath.Join(target, "release", "bootstrap"), filepath.Join(dir, "bootstrap")); err != nil {
			t.Fatal(err)
		}
	})
	pkg := assemble(t, built)
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
	t.Run("ExitsAtInit", func(t *testing.T) {
		failsInit(t, pkg, "broken.handler",
			`\{"errorType":"Runtime\.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 1"\}`)
	})
}
