package runtimes_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/hearthd/hearth/runtimes"
)

// sdkSet is a Set of this host's interpreters with these files installed as an
// SDK, under the name that it has in the directory of SDKs.
func sdkSet(t *testing.T, name string, packages map[string]string) (set *runtimes.Set, installed string) {
	t.Helper()
	store := t.TempDir()
	installed = write(t, packages)
	if err := os.Symlink(installed, filepath.Join(store, name)); err != nil {
		t.Fatal(err)
	}
	return newSet(t, func(o *runtimes.Options) { o.SDKDir = store }), installed
}

// The installed SDK comes after the function's package and its layers, and
// before what the interpreter has, for programs that the function starts as well.
func TestSDK_Python_SearchOrder(t *testing.T) {
	module := func(from string) string { return "origin = '" + from + "'\n" }
	const app = `import subprocess, sys, boto3
def handler(event, context):
    child = subprocess.run([sys.executable, "-c", "import boto3; print(boto3.origin)"], capture_output=True, text=True)
    return [boto3.origin, child.stdout.strip()]
`
	each(t, runtimes.Python, func(t *testing.T, runtime string) {
		set, _ := sdkSet(t, runtime, map[string]string{
			"boto3/__init__.py": module("sdk"), "boto3-1.2.3.dist-info/METADATA": "", "bin/jp.py": "", "__pycache__/six.pyc": "",
		})
		for _, c := range []struct{ inTask, inLayer, want string }{
			{"", "", `["sdk", "sdk"]`},
			{"", "python/boto3.py", `["own", "sdk"]`},
			{"boto3.py", "", `["own", "own"]`}, // Python looks in the working directory
		} {
			files, layer := map[string]string{"app.py": app}, map[string]string{}
			if c.inTask != "" {
				files[c.inTask] = module("own")
			}
			if c.inLayer != "" {
				layer[c.inLayer] = module("own")
			}
			e := start(t, function{runtime: runtime, handler: "app.handler", set: set, files: files, layer: layer})
			if got := e.invoke("{}"); got != c.want {
				t.Errorf("%+v: got %s", c, got)
			}
		}
	})
}

func TestSDK_Node_SearchOrder(t *testing.T) {
	const name = "node_modules/@aws-sdk/client-x/"
	files := func(prefix, from string) map[string]string {
		return map[string]string{
			prefix + name + "package.json":                  `{"name":"@aws-sdk/client-x","exports":{"import":"./x.mjs","require":"./x.cjs"}}`,
			prefix + name + "x.mjs":                         `export { origin } from "dependency";`,
			prefix + name + "x.cjs":                         `exports.origin = require("dependency").origin;`,
			prefix + "node_modules/dependency/package.json": `{"name":"dependency"}`,
			prefix + "node_modules/dependency/index.js":     `exports.origin = "` + from + `";`,
		}
	}
	handlers := map[string]string{
		"index.mjs": `import { origin } from "@aws-sdk/client-x"; export const handler = async () => origin;`,
		"index.cjs": `const { origin } = require("@aws-sdk/client-x"); exports.handler = async () => origin;`,
	}
	each(t, runtimes.Node, func(t *testing.T, runtime string) {
		set, _ := sdkSet(t, "nodejs", files("", "sdk"))
		for handler, code := range handlers {
			for _, c := range []struct {
				task, layer map[string]string
				want        string
			}{
				{nil, nil, `"sdk"`},
				{nil, files("nodejs/", "layer"), `"layer"`},
				{files("", "task"), files("nodejs/", "layer"), `"task"`},
			} {
				task := map[string]string{handler: code}
				for path, content := range c.task {
					task[path] = content
				}
				e := start(t, function{runtime: runtime, handler: "index.handler", set: set, files: task, layer: c.layer})
				if got := e.invoke("{}"); got != c.want {
					t.Errorf("%s: got %s, want %s", handler, got, c.want)
				}
			}
		}
	})
}

func TestPlan_ShowsInstalledSDK(t *testing.T) {
	name := newest(t, runtimes.Python)
	set, installed := sdkSet(t, name, map[string]string{"boto3/__init__.py": ""})
	plan := start(t, function{runtime: name, handler: "app.handler", set: set, files: map[string]string{"app.py": "def handler(*_): pass"}}).plan
	if want := (runtimes.Mount{Source: installed, Target: installed}); !slices.Contains(plan.Mounts, want) {
		t.Errorf("mounts = %v, want %v among them", plan.Mounts, want)
	}
	if got := set.SDK(plan.Interpreter); got != "boto3" {
		t.Errorf("SDK = %q", got)
	}
}

// A daemon need not be started again for an SDK that was installed, or replaced.
func TestPlan_FollowsInstallations(t *testing.T) {
	name, store := newest(t, runtimes.Python), t.TempDir()
	set := newSet(t, func(o *runtimes.Options) { o.SDKDir = store })
	for _, want := range []string{"first", "second"} {
		link := filepath.Join(store, name)
		if err := os.RemoveAll(link); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(write(t, map[string]string{"boto3.py": "origin = '" + want + "'"}), link); err != nil {
			t.Fatal(err)
		}
		e := start(t, function{
			runtime: name, handler: "app.handler", set: set,
			files: map[string]string{"app.py": "import boto3\ndef handler(*_):\n    return boto3.origin"},
		})
		if got := e.invoke("{}"); got != `"`+want+`"` {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestSDK_OfInterpreter(t *testing.T) {
	packages := write(t, map[string]string{"boto3/__init__.py": "", "boto3-1.2.3.dist-info/METADATA": "", "@aws-sdk/core/package.json": ""})
	set := newSet(t, func(o *runtimes.Options) { o.SDKDir = t.TempDir() })
	for _, c := range []struct {
		interp runtimes.Interpreter
		want   string
	}{
		{runtimes.Interpreter{Family: runtimes.Python, Version: "3.12.1"}, ""},
		{runtimes.Interpreter{Family: runtimes.Python, Version: "3.12.1", Packages: []string{packages}}, "boto3 1.2.3"},
		{runtimes.Interpreter{Family: runtimes.Python, Version: "3.12.1", UserPackages: packages}, "boto3 1.2.3"},
		{runtimes.Interpreter{Family: runtimes.Java, Version: "17.0.1", Packages: []string{packages}}, ""},
	} {
		if got := set.SDK(c.interp); got != c.want {
			t.Errorf("%+v: %q, want %q", c.interp, got, c.want)
		}
	}
}
