package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hearthd/hearth/runtimes"
)

func TestDescribeSDK_WithoutOne_SaysHowToGetIt(t *testing.T) {
	set, err := runtimes.New(runtimes.Options{Dir: t.TempDir(), SDKDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for family, want := range map[runtimes.Family]Check{
		runtimes.Python: {Status: Limited, Detail: "it, no boto3", Fix: "hearth runtimes install python"},
		runtimes.Node:   {Status: Limited, Detail: "it, no @aws-sdk", Fix: "hearth runtimes install node"},
		runtimes.Java:   {Status: OK, Detail: "it"},
	} {
		got := Check{Status: OK, Detail: "it"}
		describeSDK(&got, set, runtimes.Interpreter{Family: family, Version: "3.12.1"})
		if got != want {
			t.Errorf("%s: %+v, want %+v", family, got, want)
		}
	}
}

func TestDescribeSDK_ThatIsThere_IsNamed(t *testing.T) {
	store := t.TempDir()
	if err := os.MkdirAll(filepath.Join(store, "python3.12", "boto3-1.2.3.dist-info"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(store, "python3.12", "boto3"), 0o700); err != nil {
		t.Fatal(err)
	}
	set, err := runtimes.New(runtimes.Options{Dir: t.TempDir(), SDKDir: store})
	if err != nil {
		t.Fatal(err)
	}
	got := Check{Status: OK, Detail: "it"}
	describeSDK(&got, set, runtimes.Interpreter{Family: runtimes.Python, Version: "3.12.1"})
	if want := (Check{Status: OK, Detail: "it, boto3 1.2.3"}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// checked are the checks of runtimes by name, with a Python 3.14 without boto3 in bin.
func checked(t *testing.T) (of map[string]Check, bin string) {
	t.Helper()
	alone(t)
	bin = withPython(t, "exit 1")
	checks, err := Runtimes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	of = map[string]Check{}
	for _, c := range checks {
		of[c.Name] = c
	}
	return of, bin
}

func TestRuntimes_InterpreterThatIsHere(t *testing.T) {
	of, bin := checked(t)
	want := Check{
		Name: "python3.14", Status: Limited, Detail: bin + "/python3.14 (3.14.1), no boto3", Fix: "hearth runtimes install python",
	}
	if got := of["python3.14"]; got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

func TestRuntimes_WhatIsNotHere_HasAFix(t *testing.T) {
	of, _ := checked(t)
	if _, listed := of["provided.al2023"]; listed || len(of) < 5 {
		t.Errorf("%d runtimes, those that need no interpreter among them: %v", len(of), listed)
	}
	if java := of["java21"]; java.Status != Missing || java.Detail != "not on this host" || java.Fix == "" {
		t.Errorf("%+v", java) // a home without AWS's client
	}
}

func TestRuntimes_ContextEnds(t *testing.T) {
	alone(t)
	withPython(t, "exit 1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if checks, err := Runtimes(ctx); checks != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("%v, %v", checks, err)
	}
}

func TestRuntimes_NoTemporaryDirectory(t *testing.T) {
	t.Setenv("TMPDIR", filepath.Join(t.TempDir(), "none"))
	if _, err := Runtimes(t.Context()); err == nil || !strings.Contains(err.Error(), "look for interpreters") {
		t.Errorf("%v", err)
	}
}
