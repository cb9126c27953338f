package host

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/sandbox"
)

func TestDescribeSandbox_WhatHolds(t *testing.T) {
	caps := sandbox.Capabilities{
		Files: true, Memory: true, Freeze: true, Outbound: true,
		Missing: []sandbox.Missing{{What: "CPU limit", Why: "no controller", Fix: "enable it"}},
	}
	want := []Check{
		{Name: "sandbox", Status: OK, Detail: "namespace: files, memory, freeze"},
		{Name: "outbound network", Status: OK, Detail: "nat: functions reach out, not each other and not this host"},
		{Name: "CPU limit", Status: Limited, Detail: "no controller", Fix: "enable it"},
	}
	if diff := cmp.Diff(want, describeSandbox("namespace", caps)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDescribeSandbox_NoWayOut_IsNotMentioned(t *testing.T) {
	want := []Check{{Name: "sandbox", Status: OK, Detail: "namespace: "}}
	if diff := cmp.Diff(want, describeSandbox("namespace", sandbox.Capabilities{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The driver looks for a place for its state before anything else.
func TestCheckSandbox_ThatDoesNotOpen_IsMissing(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "namespace"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	checks, err := checkSandbox(dir)
	if err != nil || len(checks) != 1 || checks[0].Status != Missing || !strings.HasPrefix(checks[0].Detail, "functions are not isolated: ") || checks[0].Fix == "" {
		t.Errorf("%+v, %v", checks, err)
	}
}

func TestSandbox_NoTemporaryDirectory(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	if _, err := Sandbox(t.Context()); err == nil || !strings.Contains(err.Error(), "try the sandbox") {
		t.Errorf("%v", err)
	}
}
