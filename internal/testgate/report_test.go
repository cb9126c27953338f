package main

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
)

// judge feeds events to a report, as "action package test output" with "-" for
// nothing, and returns what it printed and its judgement.
func judge(t *testing.T, events ...string) (string, error) {
	t.Helper()
	var in strings.Builder
	for _, e := range events {
		f := strings.SplitN(e, " ", 4)
		for i := range f {
			if f[i] == "-" {
				f[i] = ""
			}
		}
		output := ""
		if len(f) == 4 {
			output = f[3] + "\n"
		}
		fmt.Fprintf(&in, `{"Action":%q,"Package":%q,"Test":%q,"Output":%q}`+"\n", f[0], f[1], f[2], output)
	}
	var out strings.Builder
	r := newReport(&out)
	if err := r.read(bufio.NewReader(strings.NewReader(in.String()))); err != nil {
		t.Fatal(err)
	}
	err := r.finish()
	return out.String(), err
}

func TestReport_OneOfTwoSkipped(t *testing.T) {
	out, err := judge(t,
		"output p TestA     a_test.go:3: needs cgroup v2",
		"skip p TestA",
		"pass p TestB",
		"output p - ok  \tp\t0.1s")
	if err != nil {
		t.Errorf("one skipped test failed the run: %v", err)
	}
	if want := "p.TestA: a_test.go:3: needs cgroup v2"; !strings.Contains(out, want) {
		t.Errorf("output does not list the skipped test with its reason:\n%s", out)
	}
	if !strings.HasSuffix(out, "\nok  \tp\t0.1s\n") {
		t.Errorf("output does not end in go test's summary:\n%s", out)
	}
}

func TestReport_PackageSkipped(t *testing.T) {
	_, err := judge(t, "skip p TestA", "skip p TestB", "pass q TestC")
	if err == nil || !strings.HasSuffix(err.Error(), ": p") {
		t.Errorf("judgement = %v, want one that names p", err)
	}
}

func TestReport_AllSubtestsSkipped(t *testing.T) {
	_, err := judge(t, "skip p TestA/x", "skip p TestA/y", "pass p TestA", "pass p TestB")
	if err == nil || !strings.HasSuffix(err.Error(), ": p.TestA") {
		t.Errorf("judgement = %v, want one that names p.TestA", err)
	}
}

func TestReport_OneSubtestRan(t *testing.T) {
	if _, err := judge(t, "skip p TestA/x", "pass p TestA/y", "pass p TestA"); err != nil {
		t.Errorf("judgement = %v, want none", err)
	}
}

func TestReport_SkippedParentWithPrefixName(t *testing.T) {
	if _, err := judge(t, "skip p TestA", "pass p TestAB/x", "pass p TestAB"); err != nil {
		t.Errorf("TestAB was taken for a subtest of TestA: %v", err)
	}
}

func TestReport_NothingTested(t *testing.T) {
	if _, err := judge(t); err == nil {
		t.Error("a run without tests passed")
	}
}

func TestReport_FailureOutput(t *testing.T) {
	out, _ := judge(t,
		"output p TestA a_test.go:9: got 1, want 2",
		"fail p TestA",
		"output p TestB quiet",
		"pass p TestB",
		"output p - FAIL\tp\t0.1s",
		"fail p -")
	if !strings.Contains(out, "got 1, want 2") || strings.Contains(out, "quiet") {
		t.Errorf("output shows the wrong tests:\n%s", out)
	}
}

func TestReport_CrashOutput(t *testing.T) {
	out, _ := judge(t,
		"run p TestA",
		"output p TestA panic: boom",
		"output p - FAIL\tp\t0.1s",
		"fail p -")
	if !strings.Contains(out, "panic: boom") {
		t.Errorf("the output of a crashed test is lost:\n%s", out)
	}
}

func TestReport_BuildFailure(t *testing.T) {
	var out strings.Builder
	r := newReport(&out)
	lines := `{"ImportPath":"p","Action":"build-output","Output":"p.go:1: syntax error\n"}` + "\nplain text\n"
	if err := r.read(bufio.NewReader(strings.NewReader(lines))); err != nil {
		t.Fatal(err)
	}
	if got, want := out.String(), "p.go:1: syntax error\nplain text\n"; got != want {
		t.Errorf("output = %q, want %q", got, want)
	}
}

func TestRun_FailingTests(t *testing.T) {
	var out strings.Builder
	if err := run(t.Context(), []string{"./does-not-exist"}, &out, &out); err == nil {
		t.Errorf("go test failed, run did not:\n%s", out.String())
	}
}
