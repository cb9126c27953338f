package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action  string
	Package string
	Test    string // empty: the package itself
	Output  string
}

// A report collects the events of one run of go test.
type report struct {
	out       io.Writer
	packages  map[string]*packageReport
	summaries []string // go test's line for each package, in the order of their end
	skipped   []string // "package.Test: reason"
}

type packageReport struct {
	tests  map[string]*testReport
	output []string // of the package itself, its summary line left out
}

type testReport struct {
	action string // pass, fail or skip; empty while it runs, and after a crash
	output []string
}

func newReport(out io.Writer) *report {
	return &report{out: out, packages: map[string]*packageReport{}}
}

// read takes events until the end of r. Lines that are not events, such as
// those of a failed build, are printed as they are.
func (r *report) read(in *bufio.Reader) error {
	for {
		line, err := in.ReadString('\n')
		if line != "" {
			r.line(line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *report) line(line string) {
	var e event
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &e) != nil {
		fmt.Fprint(r.out, line)
		return
	}
	if e.Action == "build-output" {
		fmt.Fprint(r.out, e.Output)
		return
	}
	if e.Package == "" {
		return
	}
	pkg := r.packages[e.Package]
	if pkg == nil {
		pkg = &packageReport{tests: map[string]*testReport{}}
		r.packages[e.Package] = pkg
	}
	if e.Test == "" {
		r.packageEvent(e, pkg)
		return
	}
	r.testEvent(e, pkg)
}

func (r *report) packageEvent(e event, pkg *packageReport) {
	switch e.Action {
	case "output":
		if isSummary(e.Output) {
			r.summaries = append(r.summaries, e.Output)
			fmt.Fprint(r.out, e.Output)
			return
		}
		pkg.output = append(pkg.output, e.Output)
	case "fail":
		// Tests that never ended crashed the binary or were cut off by it.
		for _, name := range sortedTests(pkg) {
			if pkg.tests[name].action == "" {
				r.print(pkg.tests[name].output)
			}
		}
		r.print(pkg.output)
	}
}

func (r *report) testEvent(e event, pkg *packageReport) {
	test := pkg.tests[e.Test]
	if test == nil {
		test = &testReport{}
		pkg.tests[e.Test] = test
	}
	switch e.Action {
	case "output":
		test.output = append(test.output, e.Output)
	case "fail":
		test.action = e.Action
		r.print(test.output)
	case "skip":
		test.action = e.Action
		r.skipped = append(r.skipped, fmt.Sprintf("%s.%s: %s", e.Package, e.Test, skipReason(test.output)))
	case "pass":
		test.action = e.Action
		test.output = nil
	}
}

func (r *report) print(lines []string) {
	for _, line := range lines {
		fmt.Fprint(r.out, line)
	}
}

// finish prints the skipped tests and go test's summary lines, and returns an
// error that names every class of tests that was skipped as a whole.
func (r *report) finish() error {
	if len(r.skipped) > 0 {
		fmt.Fprintf(r.out, "\n%d skipped:\n", len(r.skipped))
		for _, s := range r.skipped {
			fmt.Fprintln(r.out, "  "+s)
		}
	}
	classes := r.skippedClasses()
	fmt.Fprintln(r.out)
	for _, s := range r.summaries {
		fmt.Fprint(r.out, s)
	}
	if len(r.packages) == 0 {
		return errors.New("no package was tested")
	}
	if len(classes) > 0 {
		return fmt.Errorf("skipped as a whole, so untested here: %s", strings.Join(classes, ", "))
	}
	return nil
}

// skippedClasses returns the packages all of whose tests were skipped, and the
// top-level tests with subtests all of which were.
func (r *report) skippedClasses() []string {
	var classes []string
	for name, pkg := range r.packages {
		ran := false
		for _, test := range sortedTests(pkg) {
			if strings.Contains(test, "/") {
				continue
			}
			skipped, leaves := allSkipped(pkg, test)
			ran = ran || !skipped
			if skipped && leaves > 1 {
				classes = append(classes, name+"."+test)
			}
		}
		if len(pkg.tests) > 0 && !ran {
			classes = append(classes, name)
		}
	}
	slices.Sort(classes)
	return classes
}

// allSkipped reports whether a top-level test was skipped, by itself or in
// each of its subtests, and of how many it consists.
func allSkipped(pkg *packageReport, top string) (skipped bool, leaves int) {
	skipped = true
	for name, test := range pkg.tests {
		if name != top && !strings.HasPrefix(name, top+"/") || hasSubtests(pkg, name) {
			continue
		}
		leaves++
		skipped = skipped && test.action == "skip"
	}
	return skipped, leaves
}

func hasSubtests(pkg *packageReport, name string) bool {
	for other := range pkg.tests {
		if strings.HasPrefix(other, name+"/") {
			return true
		}
	}
	return false
}

func sortedTests(pkg *packageReport) []string {
	names := make([]string, 0, len(pkg.tests))
	for name := range pkg.tests {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// isSummary reports whether a line is go test's verdict on a package.
func isSummary(line string) bool {
	for _, prefix := range []string{"ok  \t", "FAIL\t", "?   \t"} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

// skipReason returns the last message that a skipped test printed.
func skipReason(output []string) string {
	for _, line := range slices.Backward(output) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "---") || strings.HasPrefix(line, "===") {
			continue
		}
		return line
	}
	return "no reason given"
}
