package environment_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// sandboxes are those that a case runs in.
var sandboxes = []string{"namespace", "process"}

// A testCase is one "===" of a file.
type testCase struct {
	title    string
	head     string   // its text up to the transcript, as it is in the file
	settings []string // of the function
	only     string   // the one sandbox; empty: both
	script   string   // of the actors
	caller   []string
	want     string // the transcript
}

// extensions are the names of the case's extensions.
func (c *testCase) extensions() (names []string) {
	for line := range strings.SplitSeq(c.script, "\n") {
		if rest, ok := strings.CutPrefix(line, "extension "); ok {
			name, _, _ := strings.Cut(rest, " ")
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names
}

// parse reads a file of cases. What stands before the first is a comment.
func parse(text string) (preamble string, cases []*testCase, err error) {
	var c *testCase
	section, golden := "", false
	for line := range strings.Lines(text) {
		title, begins := strings.CutPrefix(line, "=== ")
		if begins {
			c = &testCase{title: strings.TrimSpace(title)}
			cases = append(cases, c)
			section, golden = "", false
		}
		if c == nil {
			preamble += line
			continue
		}
		golden = golden || strings.HasPrefix(line, "--- ")
		if golden {
			c.want += line
			continue
		}
		c.head += line
		switch {
		case begins, strings.HasPrefix(line, "#"), strings.TrimSpace(line) == "":
		case strings.HasPrefix(line, " ") && section == "caller":
			c.caller = append(c.caller, strings.TrimSpace(line))
		case strings.HasPrefix(line, " "):
			c.script += line
		case strings.HasPrefix(line, "set "):
			c.settings = append(c.settings, strings.TrimSpace(strings.TrimPrefix(line, "set ")))
		case strings.HasPrefix(line, "only "):
			c.only, _, _ = strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "only ")), ":")
			if !slices.Contains(sandboxes, c.only) {
				return "", nil, fmt.Errorf("%s: %q is no sandbox", c.title, c.only)
			}
		default:
			section = strings.TrimSpace(line)
			if section != "caller" {
				c.script += line
			}
		}
	}
	for _, c := range cases {
		if len(c.caller) == 0 {
			return "", nil, fmt.Errorf("%s: nobody calls", c.title)
		}
	}
	return preamble, cases, nil
}

func TestEnvironment_IsAsAWSs(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, path := range files {
		name := strings.TrimSuffix(filepath.Base(path), ".txt")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			preamble, cases, err := parse(string(text))
			if err != nil {
				t.Fatal(err)
			}
			if *update {
				t.Cleanup(func() { rewrite(t, path, preamble, cases) })
			}
			for _, c := range cases {
				for _, sandbox := range sandboxes {
					if c.only == "" || c.only == sandbox {
						t.Run(c.title+"/"+sandbox, func(t *testing.T) {
							t.Parallel()
							c.run(t, sandbox)
						})
					}
				}
			}
		})
	}
}

// run runs a case and compares.
func (c *testCase) run(t *testing.T, sandbox string) {
	t.Cleanup(func() {
		if t.Failed() {
			failed.Add(1)
			return
		}
		passed.Add(1)
	})
	f := deploy(t, c, daemons[sandbox])
	for _, line := range c.caller {
		f.call(line)
	}
	got := f.transcript(func(got string) bool { return got == c.want })
	if *update && (sandbox == "namespace" || c.only != "") {
		c.want = got
	}
	if diff := cmp.Diff(strings.Split(c.want, "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("transcript (-want +got):\n%s", diff)
	}
}

// rewrite writes a file with the transcripts that came.
func rewrite(t *testing.T, path, preamble string, cases []*testCase) {
	text := preamble
	for _, c := range cases {
		text += c.head + c.want
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Error(err)
	}
}
