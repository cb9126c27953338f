package control_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/hearthd/hearth/api"
)

// covered is what the answers of rows that passed have shown.
type covered struct {
	mu             sync.Mutex
	passed, failed int
	files          []string // that ran to their end
	operations     map[string]bool
	errors         map[string]wireError // by their text

	router *api.Router
}

// wireError is the error of an answer.
type wireError struct {
	code    string
	status  int
	keys    string // Message or message, and Type, in the order of messages.tsv
	message string
}

func (c *covered) count(passed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if passed {
		c.passed++
	} else {
		c.failed++
	}
}

// runs counts the runs of a file, with this one: go test's -count asks for more
// than one, each of which needs a region of its own.
func (c *covered) runs(file string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	runs := 1
	for _, f := range c.files {
		if f == file {
			runs++
		}
	}
	return min(runs, 9)
}

func (c *covered) ran(file string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.files = append(c.files, file)
}

// operation names the operation that a request is for.
func (c *covered) operation(r *http.Request) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.router == nil {
		c.router = api.NewRouter(api.Options{})
	}
	return c.router.Operation(r)
}

// cover notes an answer that was as expected.
func (c *covered) cover(got *answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.operations == nil {
		c.operations, c.errors = map[string]bool{}, map[string]wireError{}
	}
	c.operations[got.operation] = true
	if got.status < 400 {
		return
	}
	e := wireError{code: got.header.Get("X-Amzn-Errortype"), status: got.status}
	var body map[string]any
	if json.Unmarshal([]byte(got.body), &body) != nil {
		return
	}
	var keys []string
	for _, key := range []string{"Message", "Type", "message"} {
		text, ok := body[key].(string)
		if ok {
			keys = append(keys, key)
		}
		if ok && key != "Type" {
			e.message = text
		}
	}
	e.keys = strings.Join(keys, ",")
	c.errors[fmt.Sprint(e)] = e
}

// recordedMessages reads testdata/messages.tsv: code, status, keys, message.
func recordedMessages(t *testing.T) []wireError {
	t.Helper()
	data, err := os.ReadFile("testdata/messages.tsv")
	if err != nil {
		t.Fatal(err)
	}
	var all []wireError
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") {
			continue
		}
		if len(fields) != 4 {
			t.Fatalf("%q has %d fields, want 4", line, len(fields))
		}
		status, err := strconv.Atoi(fields[1])
		if err != nil {
			t.Fatal(err)
		}
		var message string
		if err := json.Unmarshal([]byte(fields[3]), &message); err != nil {
			t.Fatalf("message %s: %v", fields[3], err)
		}
		all = append(all, wireError{fields[0], status, fields[2], message})
	}
	return all
}

// notHere are the recorded messages that hearth does not answer, and why.
var notHere = map[string]string{
	"": "the recording of an AccessDeniedException lost its message; auth.rows has those that AWS documents",
	"Error occurred while DescribeSecurityGroups. EC2 Error Code: InvalidGroup.NotFound. EC2 Error Message: The security group '<security_group_id_1>' does not exist": "there is no VPC: hearth keeps what VpcConfig names, so that deployments with one work",
	"Error occurred while DescribeSubnets. EC2 Error Code: InvalidSubnetID.NotFound. EC2 Error Message: The subnet ID '<subnet_id_1>' does not exist":                  "the same",
}

// recordedValue stands in a recorded message for what differs between accounts.
var recordedValue = regexp.MustCompile(`\{[a-z]+\}|<[a-zA-Z0-9_:-]+>`)

// matches says whether an answer is an instance of a recorded message.
// Recordings without keys do not tell their case.
func (recorded wireError) matches(e wireError) bool {
	if e.code != recorded.code || e.status != recorded.status || recorded.keys != "" && e.keys != recorded.keys {
		return false
	}
	literals := recordedValue.Split(recorded.message, -1)
	for i := range literals {
		literals[i] = regexp.QuoteMeta(literals[i])
	}
	return regexp.MustCompile(`\A(?s:` + strings.Join(literals, `.+`) + `)\z`).MatchString(e.message)
}
