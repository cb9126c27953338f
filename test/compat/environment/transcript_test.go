package environment_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/hearthd/hearth"
)

// A rewriting replaces what differs from run to run.
type rewriting struct {
	pattern *regexp.Regexp
	by      string
}

func rewritings() []rewriting {
	const uuid = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`
	var list []rewriting
	for _, r := range [][2]string{
		{uuid, "<uuid>"},
		{`Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0;Lineage=1:[0-9a-f]{8}:0(?:\|1:[0-9a-f]{8}:\d+)*`, "<trace>"},
		{`(;Sampled=1;Lineage=1:)[0-9a-f]{8}:0`, "${1}<function>:0"},
		{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`, "<time>"},
		{`\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}`, "<stream>"},
		{`\b\d+\.\d\d ms`, "N ms"},
		{`Billed Duration: \d+ ms`, "Billed Duration: N ms"},
		{`Max Memory Used: \d+ MB`, "Max Memory Used: N MB"},
		{`("?(?:deadlineMs|durationMs|initDurationMs|billedDurationMs|maxMemoryUsedMB)"?:)[0-9.]+`, "${1}N"},
		{`(Lambda-Runtime-Deadline-Ms: )\d{13}`, "${1}N"},
		{`"spanId":"[0-9a-f]{16}"`, `"spanId":"<span>"`},
		{`runtime:[0-9a-f]{64}`, "runtime:<sha>"},
		{`/\S*/(task|opt)/`, "<$1>/"},
	} {
		list = append(list, rewriting{regexp.MustCompile(r[0]), r[1]})
	}
	return list
}

// normal is text without what differs from run to run.
func (f *function) normal(text string) string {
	for i, id := range f.ids {
		text = strings.ReplaceAll(text, id, fmt.Sprintf("<id-%d>", i+1))
	}
	text = strings.ReplaceAll(text, f.name, "f")
	for _, r := range rewritings() {
		text = r.pattern.ReplaceAllString(text, r.by)
	}
	return text
}

// transcript ends the environments, and returns what everybody has told. A
// last line may be on its way still: it looks until there is what is wanted.
func (f *function) transcript(wanted func(string) bool) (text string) {
	f.retire()
	for deadline := time.Now().Add(5 * time.Second); ; {
		text = f.normal(f.compose())
		running := f.processes()
		if !*update && len(running) == 0 && wanted(text) || time.Now().After(deadline) {
			if len(running) > 0 {
				f.t.Errorf("processes are left: %v", running)
			}
			return text
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-f.t.Context().Done():
			return text
		}
	}
}

// compose sorts the log into who told what.
func (f *function) compose() string {
	told := map[string][]string{"caller": f.told}
	order := append(append([]string{"runtime"}, f.extensions...), "caller", "log")
	for _, ev := range f.log() {
		message := strings.TrimSuffix(ev.Message, "\n")
		if !strings.HasPrefix(message, "@@") {
			told["log"] = append(told["log"], strings.ReplaceAll(message, "\r", `\r`))
			continue
		}
		name, quoted, _ := strings.Cut(message[2:], " ")
		var line string
		if err := json.Unmarshal([]byte(quoted), &line); err != nil {
			line = quoted
		}
		told[name] = append(told[name], line)
	}
	var b strings.Builder
	for _, name := range order {
		if lines := told[name]; len(lines) > 0 {
			b.WriteString("--- " + name + "\n" + strings.Join(lines, "\n") + "\n")
		}
	}
	return b.String() + "\n"
}

// log reads the function's log group.
func (f *function) log() (events []hearth.LogEvent) {
	f.t.Helper()
	resp, err := http.Get(f.daemon.Endpoint + "/_hearth/logs?function=" + url.QueryEscape(f.name))
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	for dec := json.NewDecoder(resp.Body); dec.More(); {
		var ev hearth.LogEvent
		if err := dec.Decode(&ev); err != nil {
			f.t.Fatal(err)
		}
		events = append(events, ev)
	}
	return events
}

// processes lists the function's processes, by the variable that AWS gives them.
func (f *function) processes() (pids []string) {
	paths, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		f.t.Fatal(err)
	}
	for _, path := range paths {
		environ, err := os.ReadFile(path)
		if err == nil && slices.Contains(strings.Split(string(environ), "\x00"), "AWS_LAMBDA_FUNCTION_NAME="+f.name) {
			pids = append(pids, filepath.Base(filepath.Dir(path)))
		}
	}
	return pids
}
