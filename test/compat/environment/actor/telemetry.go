package main

import (
	"bufio"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"time"
)

// takeBatch takes what a subscription by HTTP is sent.
func (a *actor) takeBatch(w http.ResponseWriter, r *http.Request) {
	var batch []json.RawMessage
	if err := json.NewDecoder(r.Body).Decode(&batch); err != nil || r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json" {
		a.tell("%s of %s: %v", r.Method, r.Header.Get("Content-Type"), err)
		w.WriteHeader(http.StatusBadRequest)
	}
	for _, event := range batch {
		a.keep(event)
	}
}

// takeStream takes what a subscription by TCP is sent.
func (a *actor) takeStream(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() { // until the process ends
			lines := bufio.NewScanner(conn)
			lines.Buffer(nil, 1<<20)
			for lines.Scan() {
				a.keep(lines.Bytes())
			}
		}()
	}
}

func (a *actor) keep(event []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.received.Write(event)
	a.received.WriteByte('\n')
}

// events tells what was received up to the first event of a type, once there is
// one; the rest is for the next time. What actors tell is no news.
func (a *actor) events(kind string) {
	for {
		for _, line := range a.takeUpTo(`"type":"` + kind + `"`) {
			if !strings.Contains(line, `"@@`) {
				a.tell("%s", strings.TrimSuffix(line, "\n"))
			}
			if strings.Contains(line, `"type":"`+kind+`"`) {
				return
			}
		}
		<-time.After(5 * time.Millisecond)
	}
}

// takeUpTo takes the events up to the first with a text; none without it.
func (a *actor) takeUpTo(text string) (lines []string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !strings.Contains(a.received.String(), text) {
		return nil
	}
	for {
		line, err := a.received.ReadString('\n')
		if err != nil {
			return lines
		}
		lines = append(lines, line)
		if strings.Contains(line, text) {
			return lines
		}
	}
}
