// Command golang is the function of the tests of aws-lambda-go: compiled, it is
// the bootstrap of a provided.al2023 function. What the events ask for is said
// in contract_test.go; the handler's name chooses between the programs here.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-lambda-go/lambdaurl"
)

func main() {
	switch handler := os.Getenv("_HANDLER"); handler {
	case "app.handler":
		lambda.Start(new(app).handle)
	case "app.queue":
		lambda.Start(receive)
	case "stream.handler":
		lambda.Start(stream)
	case "url.handler":
		lambdaurl.Start(http.HandlerFunc(serve))
	case "graceful.handler":
		lambda.StartWithOptions(new(app).handle, lambda.WithEnableSIGTERM(func() { fmt.Println("function: SIGTERM") }))
	default:
		fmt.Fprintf(os.Stderr, "no handler %q\n", handler)
		os.Exit(4)
	}
}

type event struct {
	Do    string          `json:"do"`
	Value json.RawMessage `json:"value"`
	Size  int             `json:"size"`
}

type app struct{ calls atomic.Int64 }

func (a *app) handle(ctx context.Context, e event) (any, error) {
	calls := a.calls.Add(1)
	switch e.Do {
	case "return":
		return e.Value, nil
	case "make":
		return strings.Repeat("x", e.Size), nil
	case "count":
		return calls, nil
	case "context":
		return describe(ctx)
	case "log":
		fmt.Println("to standard output")
		fmt.Fprintln(os.Stderr, "to standard error")
		return nil, nil
	case "fail":
		return nil, &refusal{"no such thing" + strings.Repeat("!", e.Size)}
	case "sleep":
		<-time.After(time.Duration(e.Size) * time.Millisecond)
		return e.Value, nil
	case "wrap":
		return nil, fmt.Errorf("asked: %w", errors.New("no"))
	case "panic":
		var nothing *app
		return nothing.calls.Load(), nil
	case "exit":
		os.Exit(3)
	}
	return nil, fmt.Errorf("do not know how to %q", e.Do)
}

// refusal is an error of a type with a name: clients report the name.
type refusal struct{ message string }

func (r *refusal) Error() string { return r.message }

func describe(ctx context.Context) (map[string]any, error) {
	call, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return nil, errors.New("no context")
	}
	deadline, _ := ctx.Deadline() // zero, which the test does not expect, without one
	return map[string]any{
		"requestId": call.AwsRequestID,
		"arn":       call.InvokedFunctionArn,
		"name":      lambdacontext.FunctionName,
		"version":   lambdacontext.FunctionVersion,
		"memory":    lambdacontext.MemoryLimitInMB,
		"logGroup":  lambdacontext.LogGroupName,
		"logStream": lambdacontext.LogStreamName,
		"remaining": time.Until(deadline).Milliseconds(),
		"trace":     os.Getenv("_X_AMZN_TRACE_ID"),
		"custom":    call.ClientContext.Custom,
	}, nil
}

// receive answers a batch of a queue, and says of the empty messages that they
// failed: events and answers have AWS's own types here.
func receive(_ context.Context, batch events.SQSEvent) (events.SQSEventResponse, error) {
	var answer events.SQSEventResponse
	for _, m := range batch.Records {
		if m.Body == "" {
			answer.BatchItemFailures = append(answer.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return answer, nil
}
