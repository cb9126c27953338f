package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// requests are names for what actors often ask for.
func (a *actor) requests() map[string]string {
	const runtime, extension = "/2018-06-01/runtime/", "/2020-01-01/extension/"
	const me = " | Lambda-Extension-Identifier: {ext}"
	return map[string]string{
		"next":       "GET " + runtime + "invocation/next",
		"respond":    "POST " + runtime + "invocation/{id}/response",
		"fail":       "POST " + runtime + "invocation/{id}/error",
		"init-error": "POST " + runtime + "init/error",
		"register":   "POST " + extension + "register | Lambda-Extension-Name: " + a.name,
		"event":      "GET " + extension + "event/next" + me,
		"init-fault": "POST " + extension + "init/error" + me,
		"exit-fault": "POST " + extension + "exit/error" + me,
		"telemetry":  "PUT /2022-07-01/telemetry" + me,
		"logs":       "PUT /2020-08-15/logs" + me,
	}
}

// request sends a request and tells what comes back:
//
//	METHOD PATH | Header: value | Header: value < BODY
//
// A name of requests stands for its method, path and headers, and with a "+" it
// tells the headers of the answer, too; with a "-" it tells nothing, for answers
// that may come too late for a process that is killed. {id} is the request id of the event,
// {ext} the extension's identifier, {port} the listener's. A BODY or value x*N is
// N times x. With "<<" it is sent in chunks, separated by " // ", where "trailer NAME:
// VALUE", "sleep MS" and "abort", which breaks the connection, do what they say.
func (a *actor) request(line string) {
	verb, _, _ := strings.Cut(line, " ")
	name := strings.TrimRight(verb, "+-")
	text := strings.TrimPrefix(line, verb)
	if full, ok := a.requests()[name]; ok {
		text = full + text
	} else {
		text = name + text
	}
	head, body, chunked := strings.Cut(text, " << ")
	if !chunked {
		head, body, _ = strings.Cut(text, " < ")
	}
	parts := strings.Split(a.expand(head), " | ")
	method, path, _ := strings.Cut(parts[0], " ")
	req, err := http.NewRequest(method, "http://"+os.Getenv("AWS_LAMBDA_RUNTIME_API")+strings.TrimSpace(path), nil)
	if err != nil {
		a.tell("%s: %v", name, err)
		return
	}
	for _, header := range parts[1:] {
		key, value, _ := strings.Cut(header, ": ")
		if value == "" {
			req.Header.Del(key)
			continue
		}
		req.Header.Set(key, a.body(value))
	}
	if chunked {
		a.setChunks(req, a.expand(body))
	} else if body != "" {
		content := a.body(body)
		req.Body, req.ContentLength = io.NopCloser(strings.NewReader(content)), int64(len(content))
	}
	a.exchange(verb, req)
}

func (a *actor) body(text string) string {
	if unit, count, ok := strings.Cut(text, "*"); ok && len(unit) == 1 {
		if n, err := strconv.Atoi(count); err == nil {
			return strings.Repeat(unit, n)
		}
	}
	return a.expand(text)
}

func (a *actor) expand(text string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return strings.NewReplacer("{id}", a.id, "{ext}", a.ext, "{port}", strconv.Itoa(a.port)).Replace(text)
}

// setChunks makes the request one of chunks, which are written as the
// connection takes them.
func (a *actor) setChunks(req *http.Request, script string) {
	steps := strings.Split(script, " // ")
	req.Trailer = http.Header{}
	for _, step := range steps {
		if trailer, ok := strings.CutPrefix(step, "trailer "); ok {
			key, value, _ := strings.Cut(trailer, ": ")
			req.Trailer.Set(key, value)
		}
	}
	r, w := io.Pipe()
	req.Body, req.ContentLength = r, -1
	go func() {
		for _, step := range steps {
			verb, rest, _ := strings.Cut(step, " ")
			switch verb {
			case "trailer":
			case "sleep":
				ms, _ := strconv.Atoi(rest)
				<-time.After(time.Duration(ms) * time.Millisecond)
			case "abort":
				_ = w.CloseWithError(io.ErrUnexpectedEOF)
				return
			default:
				_, _ = io.WriteString(w, a.body(step))
			}
		}
		_ = w.Close()
	}()
}

// exchange sends a request and tells of the answer.
func (a *actor) exchange(verb string, req *http.Request) {
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		if !strings.HasSuffix(verb, "-") {
			a.tell("%s: no answer", strings.TrimSuffix(verb, "+"))
		}
		return
	}
	a.answer(verb, resp)
}

func (a *actor) answer(verb string, resp *http.Response) {
	name := strings.TrimRight(verb, "+-")
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		a.tell("%s: half an answer", name)
	}
	a.mu.Lock()
	if id := resp.Header.Get("Lambda-Runtime-Aws-Request-Id"); id != "" {
		a.id = id
	}
	if id := resp.Header.Get("Lambda-Extension-Identifier"); id != "" {
		a.ext = id
	}
	a.mu.Unlock()
	text := fmt.Sprintf("%s: %d %s", name, resp.StatusCode, shown(string(body)))
	if strings.HasSuffix(verb, "-") {
		return
	}
	if strings.HasSuffix(verb, "+") {
		var lines []string
		for key := range resp.Header {
			if key != "Date" && key != "Content-Length" {
				lines = append(lines, "\n  "+key+": "+resp.Header.Get(key))
			}
		}
		slices.Sort(lines)
		text += strings.Join(lines, "")
	}
	a.tell("%s", text)
}

// shown is a body as it is told: one line, and not a long one.
func shown(body string) string {
	if len(body) > 1500 {
		return fmt.Sprintf("(%d bytes)", len(body))
	}
	return strings.ReplaceAll(body, "\n", `\n`)
}

// raw sends text that need not be a request.
func (a *actor) raw(verb, count, text string) {
	conn, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	if err != nil {
		a.tell("%s: %v", verb, err)
		return
	}
	defer conn.Close()
	parts := strings.Split(text, " // ")
	answers, n := bufio.NewReader(conn), 0
	want, _ := strconv.Atoi(count)
	for i, part := range parts {
		unquoted, err := strconv.Unquote(`"` + strings.ReplaceAll(part, `"`, `\"`) + `"`)
		if err != nil {
			a.tell("%s: %v", verb, err)
		}
		_, _ = io.WriteString(conn, a.expand(strings.ReplaceAll(unquoted, "{current}", "{id}")))
		if verb == "half" && i == len(parts)-1 {
			_ = conn.(*net.TCPConn).CloseWrite()
		}
		for ; n < want && (i == len(parts)-1 || n <= i); n++ {
			resp, err := http.ReadResponse(answers, nil)
			for err == nil && verb == "half" && resp.StatusCode == http.StatusContinue {
				resp, err = http.ReadResponse(answers, nil) // a probe of whether this side is there still
			}
			if err != nil {
				a.tell("%s: no answer", verb)
				return
			}
			a.answer(verb, resp)
		}
	}
}
