package runtimes_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthd/hearth/runtimes"
)

func TestNode_PackagesOfLayers(t *testing.T) {
	const dependency = `{"name":"dep","exports":{"import":"./esm.mjs","require":"./cjs.cjs"}}`
	layer := map[string]string{
		"nodejs/node_modules/dep/package.json": dependency,
		"nodejs/node_modules/dep/esm.mjs":      `export const kind = "import";`,
		"nodejs/node_modules/dep/cjs.cjs":      `exports.kind = "require";`,
	}
	each(t, runtimes.Node, func(t *testing.T, runtime string) {
		for file, code := range map[string]string{
			"index.mjs": `import { kind } from "dep"; export const handler = async () => kind;`,
			"index.cjs": `const { kind } = require("dep"); exports.handler = async () => kind;`,
		} {
			e := start(t, function{runtime: runtime, handler: "index.handler", files: map[string]string{file: code}, layer: layer})
			want := map[string]string{"index.mjs": `"import"`, "index.cjs": `"require"`}[file]
			if got := e.invoke("{}"); got != want {
				t.Errorf("%s: got %s, want %s", file, got, want)
			}
		}
	})
}

func TestNode_ImportOption_FindsPackageOfLayer(t *testing.T) {
	const wrapper = "#!/bin/sh\nexport NODE_OPTIONS='--import=dep'\nexec \"$@\"\n"
	wrapping := filepath.Join(write(t, map[string]string{"wrap": wrapper}), "wrap")
	if err := os.Chmod(wrapping, 0o755); err != nil {
		t.Fatal(err)
	}
	layer := map[string]string{
		"nodejs/node_modules/dep/package.json": `{"name":"dep","exports":"./dep.mjs"}`,
		"nodejs/node_modules/dep/dep.mjs":      `import { readFileSync } from "node:fs"; globalThis.imported = typeof readFileSync;`,
	}
	each(t, runtimes.Node, func(t *testing.T, runtime string) {
		for name, variable := range map[string][2]string{
			"option": {"NODE_OPTIONS", "--import dep"}, "option of a wrapper": {"AWS_LAMBDA_EXEC_WRAPPER", wrapping},
		} {
			e := start(t, function{
				runtime: runtime, handler: "index.handler", layer: layer, env: map[string]string{variable[0]: variable[1]},
				files: map[string]string{"index.mjs": `export const handler = async () => globalThis.imported;`},
			})
			if got := e.invoke("{}"); got != `"function"` {
				t.Errorf("%s: got %s", name, got)
			}
		}
	})
}

func TestNode_MissingPackageOfModuleWithLayersIsNodesOwnError(t *testing.T) {
	e := start(t, function{
		runtime: newest(t, runtimes.Node),
		handler: "index.handler",
		files:   map[string]string{"index.mjs": `import "absent"; export const handler = async () => 1;`},
		layer:   map[string]string{"nodejs/node_modules/dep/index.js": ""},
	})
	if got, want := e.mask(e.posted().body), `{"errorType":"Error","errorMessage":"Cannot find package 'absent' imported from /var/task/index.mjs"`; !strings.HasPrefix(got, want) {
		t.Errorf("got %s, want %s...", got, want)
	}
}
