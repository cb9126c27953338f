package control_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// placeholders are the patterns of what stands in angle brackets.
var placeholders = map[string]string{
	"any":    `(?s:.*)`,
	"text":   `(?s:.+)`,
	"uuid":   `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`,
	"int":    `[0-9]+`,
	"number": `-?[0-9][0-9.eE+-]*`,
	"hex":    `[0-9a-f]+`,
	"word":   `[A-Za-z0-9_-]+`,
	"sha256": `[A-Za-z0-9+/]{43}=`,
	"arn":    `arn:[^\s"]+`,
	"url":    `https?://[^\s"]+`,
	"time":   `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000`,
	"date":   `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z`,
}

var placeholder = regexp.MustCompile(`<([a-z0-9]+)(!?=[A-Za-z0-9]+)?>`)

// matcher compares what came with what was expected. The first word of what a
// placeholder captures goes to captured once the whole answer matches.
type matcher struct {
	captured map[string]string // of earlier answers
	found    map[string]string // of this one
	diffs    []string
}

func newMatcher(captured map[string]string) *matcher {
	return &matcher{captured: captured, found: map[string]string{}}
}

func (m *matcher) fail(path, format string, args ...any) {
	m.diffs = append(m.diffs, path+": "+fmt.Sprintf(format, args...))
}

// text compares a string with one that may hold placeholders.
func (m *matcher) text(path, want, got string) {
	pattern, marks := compile(want)
	match := pattern.FindStringSubmatch(got)
	if match == nil {
		m.fail(path, "\n  got  %s\n  want %s", shorten(got), shorten(want))
		return
	}
	for i, mark := range marks {
		value := match[i+1]
		if name, ok := strings.CutPrefix(mark, "!="); ok {
			if value == m.captured[name] {
				m.fail(path, "%q again, want another", value)
			}
		} else if name, ok := strings.CutPrefix(mark, "="); ok {
			m.found[name] = value
		}
	}
}

// compile makes a pattern of a string with placeholders, and lists what stands
// behind their kinds. Unknown kinds are text.
func compile(want string) (pattern *regexp.Regexp, marks []string) {
	var b strings.Builder
	b.WriteString(`\A`)
	rest := want
	for {
		at := placeholder.FindStringSubmatchIndex(rest)
		if at == nil {
			break
		}
		kind, known := placeholders[rest[at[2]:at[3]]]
		if !known {
			b.WriteString(regexp.QuoteMeta(rest[:at[1]]))
		} else {
			b.WriteString(regexp.QuoteMeta(rest[:at[0]]) + "(" + kind + ")")
			mark := ""
			if at[4] >= 0 {
				mark = rest[at[4]:at[5]]
			}
			marks = append(marks, mark)
		}
		rest = rest[at[1]:]
	}
	b.WriteString(regexp.QuoteMeta(rest) + `\z`)
	return regexp.MustCompile(b.String()), marks
}

// json compares two JSON texts by value.
func (m *matcher) json(path, want, got string) {
	wantValue, err := decodeJSON(want)
	if err != nil {
		m.fail(path, "the expectation is no JSON: %v", err)
		return
	}
	gotValue, err := decodeJSON(got)
	if err != nil {
		m.fail(path, "no JSON (%v), but %s", err, shorten(got))
		return
	}
	m.value(path, wantValue, gotValue)
}

func decodeJSON(text string) (value any, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, err
	}
	if d.More() {
		return nil, fmt.Errorf("more than one value")
	}
	return value, nil
}

func (m *matcher) value(path string, want, got any) {
	switch want := want.(type) {
	case map[string]any:
		if got, ok := got.(map[string]any); ok {
			m.object(path, want, got)
			return
		}
	case []any:
		if got, ok := got.([]any); ok {
			m.list(path, want, got)
			return
		}
	case string:
		switch got := got.(type) {
		case string:
			if kind := placeholder.FindString(want); kind == want && strings.HasPrefix(want, "<number") {
				m.fail(path, "the string %q, want a number", got)
				return
			}
			m.text(path, want, got)
			return
		case json.Number:
			if strings.HasPrefix(want, "<number") {
				m.text(path, want, got.String())
				return
			}
		}
		if want == "<any>" {
			return
		}
	default: // numbers, true, false, null
		if want == got {
			return
		}
	}
	m.fail(path, "got %s, want %s", show(got), show(want))
}

func (m *matcher) object(path string, want, got map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(want)) {
		if name == "<rest>" {
			continue
		}
		value, ok := got[name]
		if !ok {
			m.fail(path+"."+name, "missing, want %s", show(want[name]))
			continue
		}
		m.value(path+"."+name, want[name], value)
	}
	if _, others := want["<rest>"]; others {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[name]; !ok {
			m.fail(path+"."+name, "unexpected: %s", show(got[name]))
		}
	}
}

func (m *matcher) list(path string, want, got []any) {
	if len(want) > 0 && want[0] == "<unordered>" {
		m.unordered(path, want[1:], got)
		return
	}
	if len(want) != len(got) {
		m.fail(path, "%d elements, want %d: %s", len(got), len(want), show(got))
		return
	}
	for i := range want {
		m.value(fmt.Sprintf("%s[%d]", path, i), want[i], got[i])
	}
}

// unordered finds an element for each expected one.
func (m *matcher) unordered(path string, want, got []any) {
	got = slices.Clone(got)
	for _, w := range want {
		at := slices.IndexFunc(got, func(g any) bool {
			try := newMatcher(m.captured)
			try.value(path, w, g)
			if len(try.diffs) == 0 {
				maps.Copy(m.found, try.found)
			}
			return len(try.diffs) == 0
		})
		if at < 0 {
			m.fail(path, "no element like %s in %s", show(w), show(got))
			return
		}
		got = slices.Delete(got, at, at+1)
	}
	if len(got) > 0 {
		m.fail(path, "unexpected elements: %s", show(got))
	}
}

func show(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return shorten(string(text))
}

// shorten keeps failures readable.
func shorten(s string) string {
	const most = 3000
	if len(s) <= most {
		return s
	}
	return s[:most] + fmt.Sprintf("... (%d bytes)", len(s))
}
