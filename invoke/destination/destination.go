// Package destination says who is told how the processing of an asynchronous
// event ended, and in which words: the on-success and on-failure destinations
// of a function's event invoke config, and its dead-letter target.
//
//	Outcome, Rules ── Deliveries ──► Delivery{Target, Body}, ...
//
// It decides and writes; it sends nothing. What is for a function becomes an
// event of that function (FunctionTarget), which the queue takes over in the
// same step in which it lets go of the one that ended.
package destination

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/hearthd/hearth"
)

// Conditions of an Outcome, in AWS's spelling.
const (
	Success                 = "Success"
	RetriesExhausted        = "RetriesExhausted"
	EventAgeExceeded        = "EventAgeExceeded"
	ZeroReservedConcurrency = "ZeroReservedConcurrency"
)

// MaxBody is how many bytes the body of a delivery may have: those of an event.
const MaxBody = 1 << 20

// Outcome is how the processing of an event ended.
type Outcome struct {
	RequestID string
	Name      hearth.Name
	Qualifier string // as the event was sent; empty: none
	Condition string
	Invokes   int    // how often the function was run
	Payload   []byte // the event: JSON
	// Result is how the function ended last; nil when it was not run, or when
	// that is not known any more.
	Result *hearth.Result
}

// Rules say who is told: ARNs, empty where nobody is.
type Rules struct {
	OnSuccess, OnFailure, DeadLetter string
}

// Delivery is a message for a target.
type Delivery struct {
	Target string // ARN
	Body   []byte // JSON
	// Attributes are beside the body where the target can have them: of dead
	// letters only.
	Attributes []Attribute
}

// Attribute is a message attribute, as SQS and SNS have them.
type Attribute struct {
	Name, Type, Value string
}

// Deliveries returns what is to be told at a time. Parts of the record that do
// not fit into MaxBody are left out, the response first.
func Deliveries(o Outcome, rules Rules, at time.Time) ([]Delivery, error) {
	var all []Delivery
	target := rules.OnFailure
	if o.Condition == Success {
		target = rules.OnSuccess
	}
	if target != "" {
		body, err := record(o, at)
		if err != nil {
			return nil, fmt.Errorf("write the record of %s: %w", o.RequestID, err)
		}
		all = append(all, Delivery{Target: target, Body: body})
	}
	if rules.DeadLetter != "" && o.Condition != Success {
		all = append(all, deadLetter(o, rules.DeadLetter))
	}
	return all, nil
}

// What a record looks like.
type (
	recordShape struct {
		Version         string          `json:"version"`
		Timestamp       string          `json:"timestamp"`
		RequestContext  requestContext  `json:"requestContext"`
		RequestPayload  json.RawMessage `json:"requestPayload,omitempty"`
		ResponseContext *resultContext  `json:"responseContext,omitempty"`
		ResponsePayload json.RawMessage `json:"responsePayload,omitempty"`
	}
	requestContext struct {
		RequestID   string `json:"requestId"`
		FunctionARN string `json:"functionArn"`
		Condition   string `json:"condition"`
		Invokes     int    `json:"approximateInvokeCount"`
	}
	resultContext struct {
		StatusCode      int    `json:"statusCode"`
		ExecutedVersion string `json:"executedVersion"`
		FunctionError   string `json:"functionError,omitempty"`
	}
)

// record is what a destination is told.
func record(o Outcome, at time.Time) ([]byte, error) {
	qualifier := o.Qualifier
	if qualifier == "" {
		qualifier = hearth.Latest
	}
	r := recordShape{
		Version:        "1.0",
		Timestamp:      at.UTC().Format("2006-01-02T15:04:05.000Z"),
		RequestContext: requestContext{o.RequestID, o.Name.ARN(qualifier), o.Condition, o.Invokes},
		RequestPayload: asJSON(o.Payload),
	}
	if o.Result != nil {
		r.ResponseContext = &resultContext{200, o.Result.ExecutedVersion, o.Result.FunctionError}
		r.ResponsePayload = asJSON(o.Result.Payload)
	}
	body, err := encode(r)
	if len(body) > MaxBody {
		r.ResponsePayload = nil
		body, err = encode(r)
	}
	if len(body) > MaxBody {
		r.RequestPayload = nil
		body, err = encode(r)
	}
	return body, err
}

func encode(r recordShape) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // payloads stay as they are
	if err := e.Encode(r); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// asJSON is a payload as a part of a record: one that is not JSON, which a
// function's raw response can be, is a string.
func asJSON(payload []byte) json.RawMessage {
	if len(payload) == 0 || json.Valid(payload) {
		return payload
	}
	text, err := json.Marshal(string(payload))
	if err != nil {
		return nil // cannot be: any string is encoded
	}
	return text
}

// deadLetter is what a dead-letter target gets: the event itself, and why.
func deadLetter(o Outcome, target string) Delivery {
	d := Delivery{Target: target, Body: o.Payload}
	message := o.Condition
	if o.Result != nil {
		var failure struct {
			ErrorMessage string `json:"errorMessage"`
		}
		if json.Unmarshal(o.Result.Payload, &failure) == nil && failure.ErrorMessage != "" {
			message = failure.ErrorMessage
		}
	}
	d.Attributes = []Attribute{
		{"RequestID", "String", o.RequestID},
		{"ErrorCode", "Number", strconv.Itoa(200)},
		{"ErrorMessage", "String", truncate(message, maxMessage)},
	}
	return d
}

// maxMessage is how many bytes of an error message a dead letter carries.
const maxMessage = 1024

func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}

// FunctionTarget returns the function that an ARN names; false when it is that
// of another service, or none.
func FunctionTarget(arn string) (name hearth.Name, qualifier string, ok bool) {
	parts := strings.Split(arn, ":")
	if len(parts) < 7 || len(parts) > 8 || parts[0] != "arn" || parts[2] != "lambda" || parts[5] != "function" {
		return hearth.Name{}, "", false
	}
	if len(parts) == 8 {
		qualifier = parts[7]
	}
	name = hearth.Name{Region: parts[3], Account: parts[4], Function: parts[6]}
	return name, qualifier, name.Region != "" && name.Account != "" && name.Function != ""
}
