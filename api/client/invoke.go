package client

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
)

// Invocation types, in AWS's spelling.
const (
	RequestResponse = "RequestResponse"
	Event           = "Event"
	DryRun          = "DryRun"
)

// InvokeInput is one invocation.
type InvokeInput struct {
	FunctionName   string // name or ARN
	Qualifier      string // version or alias; empty: $LATEST
	InvocationType string // empty: RequestResponse
	Payload        []byte // JSON; empty: none
	ClientContext  []byte // JSON; empty: none
	Tail           bool   // ask for the end of the invocation's log
}

// InvokeOutput is how an invocation ended. A function that failed is an output
// with a FunctionError, not a Go error.
type InvokeOutput struct {
	StatusCode      int // HTTP: 200, 202 or 204 by invocation type
	ExecutedVersion string
	FunctionError   string
	RequestID       string
	LogTail         []byte // the last 4 KB; nil unless asked for
	Payload         []byte
}

// Invoke invokes a function.
func (c *Client) Invoke(ctx context.Context, in InvokeInput) (InvokeOutput, error) {
	out, err := c.invoke(ctx, in)
	if err != nil {
		return InvokeOutput{}, fmt.Errorf("invoke %s: %w", in.FunctionName, err)
	}
	return out, nil
}

func (c *Client) invoke(ctx context.Context, in InvokeInput) (InvokeOutput, error) {
	r := in.request(functionPath(in.FunctionName, "/invocations"))
	if in.InvocationType != "" {
		r.header.Set("X-Amz-Invocation-Type", in.InvocationType)
	}
	resp, err := c.send(ctx, r)
	if err != nil {
		return InvokeOutput{}, err
	}
	defer resp.Body.Close()
	payload, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return InvokeOutput{}, fmt.Errorf("read the response: %w", err)
	}
	tail, err := base64.StdEncoding.DecodeString(resp.Header.Get("X-Amz-Log-Result"))
	if err != nil {
		return InvokeOutput{}, fmt.Errorf("read the log tail: %w", err)
	}
	return InvokeOutput{
		StatusCode:      resp.StatusCode,
		ExecutedVersion: resp.Header.Get("X-Amz-Executed-Version"),
		FunctionError:   resp.Header.Get("X-Amz-Function-Error"),
		RequestID:       resp.Header.Get("X-Amzn-RequestId"),
		LogTail:         tail,
		Payload:         payload,
	}, nil
}

// request is an invocation as a call of the Lambda API.
func (in InvokeInput) request(path string) request {
	r := request{
		method: http.MethodPost,
		path:   path,
		query:  url.Values{},
		header: http.Header{"Content-Type": {"application/json"}},
		body:   in.Payload,
	}
	if in.Qualifier != "" {
		r.query.Set("Qualifier", in.Qualifier)
	}
	if in.Tail {
		r.header.Set("X-Amz-Log-Type", "Tail")
	}
	if len(in.ClientContext) > 0 {
		r.header.Set("X-Amz-Client-Context", base64.StdEncoding.EncodeToString(in.ClientContext))
	}
	return r
}
