package control_test

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// rowFile is a file of rows.
type rowFile struct {
	path  string
	serve []string // flags of a daemon of its own; nil: the shared one
	rows  []row
}

// row is a request and what must come back. Macros are still in it.
type row struct {
	title string
	line  int      // where it begins
	sign  []string // access key, secret, token; nil: not signed
	request
	want response
}

type request struct {
	method, target string
	headers        []header
	body           string
}

type header struct{ name, value string }

type response struct {
	status     int
	code       string // of an error
	eventually bool
	headers    []header
	body       string
}

// readRows reads a file of rows.
func readRows(path string) (*rowFile, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parseRows(path, data)
}

// parser reads rows from lines.
type parser struct {
	path  string
	lines []string
	next  int
}

func parseRows(path string, data []byte) (*rowFile, error) {
	p := &parser{path: path}
	scanner := bufio.NewScanner(bytes.NewReader(data))
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		p.lines = append(p.lines, scanner.Text())
	}
	if err := scanner.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	file := &rowFile{path: path}
	for _, line := range p.until("=== ") {
		flags, ok := strings.CutPrefix(line, "@serve ")
		switch {
		case ok:
			file.serve = strings.Fields(flags)
		case line != "":
			return nil, p.errorf("%q before the first row", line)
		}
	}
	for p.next < len(p.lines) {
		r, err := p.row()
		if err != nil {
			return nil, err
		}
		file.rows = append(file.rows, r)
	}
	if len(file.rows) == 0 {
		return nil, p.errorf("no rows")
	}
	return file, nil
}

func (p *parser) errorf(format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w", p.path, p.next+1, fmt.Errorf(format, args...))
}

// until takes the lines before the next one that begins with one of the
// prefixes, without comments.
func (p *parser) until(prefixes ...string) []string {
	var lines []string
	for ; p.next < len(p.lines); p.next++ {
		line := p.lines[p.next]
		if slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(line, prefix) }) {
			break
		}
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

func (p *parser) row() (row, error) {
	r := row{title: strings.TrimSpace(p.lines[p.next][4:]), line: p.next + 1}
	p.next++
	lines := p.until("--- ", "=== ")
	for len(lines) > 0 && (lines[0] == "" || lines[0][0] == '@') {
		if lines[0] != "" {
			r.sign = strings.Fields(lines[0])[1:]
			if !strings.HasPrefix(lines[0], "@sign ") || len(r.sign) < 2 || len(r.sign) > 3 {
				return r, p.errorf("%q of %q", lines[0], r.title)
			}
		}
		lines = lines[1:]
	}
	if len(lines) == 0 {
		return r, p.errorf("%q has no request", r.title)
	}
	var ok bool
	if r.method, r.target, ok = strings.Cut(lines[0], " "); !ok {
		return r, p.errorf("%q has no request line, but %q", r.title, lines[0])
	}
	r.request.headers, r.request.body = splitBody(lines[1:])
	if p.next == len(p.lines) || !strings.HasPrefix(p.lines[p.next], "--- ") {
		return r, p.errorf("%q has no expected answer", r.title)
	}
	if err := r.want.parseStatus(p.lines[p.next]); err != nil {
		return r, p.errorf("%q: %w", r.title, err)
	}
	p.next++
	lines = p.until("=== ", "--- ")
	if p.next < len(p.lines) && strings.HasPrefix(p.lines[p.next], "--- ") {
		return r, p.errorf("%q has two expected answers", r.title)
	}
	r.want.headers, r.want.body = splitBody(lines)
	return r, nil
}

// parseStatus reads "--- 404 ResourceNotFoundException eventually".
func (w *response) parseStatus(line string) (err error) {
	fields := strings.Fields(line)[1:]
	if len(fields) == 0 {
		return fmt.Errorf("no status in %q", line)
	}
	if w.status, err = strconv.Atoi(fields[0]); err != nil {
		return fmt.Errorf("no status in %q", line)
	}
	for _, f := range fields[1:] {
		if f == "eventually" {
			w.eventually = true
		} else {
			w.code = f
		}
	}
	if w.status >= 400 && w.code == "" {
		return fmt.Errorf("no error code in %q", line)
	}
	return nil
}

var headerLine = regexp.MustCompile(`^([A-Za-z0-9-]+): ?(.*)$`)

// splitBody tells headers from the body after them.
func splitBody(lines []string) (headers []header, body string) {
	for len(lines) > 0 {
		m := headerLine.FindStringSubmatch(lines[0])
		if m == nil {
			break
		}
		headers = append(headers, header{m[1], m[2]})
		lines = lines[1:]
	}
	return headers, strings.Trim(strings.Join(lines, "\n"), "\n")
}
