// Command badruntime is a custom runtime that misbehaves in the way that its
// handler names, when the event is "misbehave"; other events it answers with
// what the Runtime API said to it until then.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

var base = "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime"

// said is what the Runtime API answered to misbehaviour: status and error type.
var said []string

func main() {
	if os.Getenv("_HANDLER") == "never-polls" && starts() <= 2 {
		for {
			syscall.Pause()
		}
	}
	if os.Getenv("_HANDLER") == "answers-before-asking" {
		record(post("/invocation/8476a536-e9f4-11e8-9739-2dfe598c3fcd/response", "1"))
	}
	for {
		id, event := next()
		if event == `"misbehave"` {
			misbehave(os.Getenv("_HANDLER"), id)
			continue
		}
		answer, _ := json.Marshal(said)
		post("/invocation/"+id+"/response", string(answer))
	}
}

// starts counts the starts in this environment, this one included.
func starts() int {
	f, err := os.OpenFile("/tmp/starts", os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	f.WriteString(".")
	info, err := f.Stat()
	if err != nil {
		panic(err)
	}
	return int(info.Size())
}

func misbehave(how, id string) {
	response := "/invocation/" + id + "/response"
	switch how {
	case "answers-twice":
		record(post(response, `"first"`))
		record(post(response, `"second"`))
	case "answers-another":
		record(post("/invocation/8476a536-e9f4-11e8-9739-2dfe598c3fcd/response", `"other"`))
		post(response, `"right"`)
	case "sends-half":
		raw(fmt.Sprintf("POST /2018-06-01/runtime%s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n\"half", response))
	case "sends-too-much":
		record(post(response, `"`+strings.Repeat("x", 6<<20+100)+`"`))
	case "sends-garbage":
		raw("GARBAGE\r\n\r\n")
		raw("GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n")
		post(response, `"right"`)
	case "unknown-mode":
		request, _ := http.NewRequest("POST", base+response, strings.NewReader("1"))
		request.Header.Set("Lambda-Runtime-Function-Response-Mode", "sideways")
		record(do(request))
	case "kills-itself":
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "leaves-a-child":
		child := exec.Command("/bin/sh", "-c", "trap '' TERM HUP; while :; do sleep 1000; done")
		child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
		child.Start()
		os.Exit(9)
	case "floods-the-log":
		line := strings.Repeat("x", 1023) + "\n"
		for range 4096 {
			os.Stdout.WriteString(line)
		}
		post(response, `"right"`)
	default:
		panic("unknown misbehaviour " + how)
	}
}

func next() (id, event string) {
	resp, err := http.Get(base + "/invocation/next")
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		panic(err)
	}
	return resp.Header.Get("Lambda-Runtime-Aws-Request-Id"), string(body)
}

func post(path, body string) (int, string) {
	request, _ := http.NewRequest("POST", base+path, bytes.NewReader([]byte(body)))
	return do(request)
}

func do(request *http.Request) (int, string) {
	resp, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	var answer struct{ ErrorType string }
	json.NewDecoder(resp.Body).Decode(&answer)
	return resp.StatusCode, answer.ErrorType
}

func record(status int, errorType string) {
	said = append(said, strings.TrimSpace(fmt.Sprint(status, " ", errorType)))
}

// raw sends bytes, ends the stream, and waits for the other side to.
func raw(request string) {
	conn, err := net.Dial("tcp", os.Getenv("AWS_LAMBDA_RUNTIME_API"))
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	io.WriteString(conn, request)
	conn.(*net.TCPConn).CloseWrite()
	io.Copy(io.Discard, conn)
}
