package doctor

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthd/hearth/cmd/hearth/terminal"
)

// installRun runs `hearth runtimes install` with a directory of its own for SDKs.
func installRun(t *testing.T, args ...string) (stdout, store string, err error) {
	t.Helper()
	store = filepath.Join(t.TempDir(), "sdk")
	t.Setenv("HEARTH_SDK_DIR", store)
	var out bytes.Buffer
	cmd := NewRuntimesCommand(&terminal.Terminal{Stdout: &out, Stderr: t.Output()})
	cmd.SetArgs(append([]string{"install"}, args...))
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err = cmd.ExecuteContext(t.Context())
	return out.String(), store, err
}

func TestInstallNode_PrintsWhereItIs(t *testing.T) {
	bin := t.TempDir()
	const npm = `#!/bin/sh
while [ "$1" != -- ]; do [ "$1" = --prefix ] && dir=$2; shift; done
mkdir -p "$dir/node_modules/@aws-sdk/client-s3" && echo "$*" > "$dir/asked"
`
	if err := os.WriteFile(filepath.Join(bin, "npm"), []byte(npm), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
	stdout, store, err := installRun(t, "node", "--package", "@aws-sdk/client-athena")
	if err != nil {
		t.Fatal(err)
	}
	real, err := filepath.EvalSymlinks(filepath.Join(store, "nodejs"))
	if err != nil || stdout != real+"\n" {
		t.Errorf("stdout %q, want %s (%v)", stdout, real, err)
	}
	asked, err := os.ReadFile(filepath.Join(real, "asked"))
	if err != nil || !strings.Contains(string(asked), " @aws-sdk/client-athena ") {
		t.Errorf("npm was asked for %s (%v)", asked, err)
	}
}

func TestInstall_RefusesWhatMakesNoSense(t *testing.T) {
	for _, args := range [][]string{
		{}, {"ruby"}, {"python", "node"}, {"python", "--package", "boto3"}, {"node", "--package", "--global"}, {"node", "--package", ""},
	} {
		_, store, err := installRun(t, args...)
		if err == nil {
			t.Errorf("install %q: no error", args)
		}
		if _, err := os.Stat(store); err == nil {
			t.Errorf("install %q made %s", args, store)
		}
	}
}
