package client

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

// maxFrame bounds one event of a stream, in bytes.
const maxFrame = 16 << 20

// errStreamBroke: the connection ended before the event that ends a stream.
var errStreamBroke = errors.New("the stream ended without InvokeComplete")

// StreamOutput is how a streamed invocation ended. A function that failed is an
// output with an ErrorCode, not a Go error.
type StreamOutput struct {
	ExecutedVersion string
	RequestID       string
	ErrorCode       string // what failed; empty: nothing
	ErrorDetails    string // the error as JSON
	LogTail         []byte // the last 4 KB; nil unless asked for
}

// InvokeStream invokes a function and gives each piece of its response to write
// as it arrives. The piece is valid until write returns, and an error of write
// ends the call. The InvocationType of in is not used.
func (c *Client) InvokeStream(ctx context.Context, in InvokeInput, write func(piece []byte) error) (StreamOutput, error) {
	out, err := c.invokeStream(ctx, in, write)
	if err != nil {
		return StreamOutput{}, fmt.Errorf("invoke %s: %w", in.FunctionName, err)
	}
	return out, nil
}

func (c *Client) invokeStream(ctx context.Context, in InvokeInput, write func([]byte) error) (StreamOutput, error) {
	resp, err := c.send(ctx, in.request("/2021-11-15/functions/"+url.PathEscape(in.FunctionName)+"/response-streaming-invocations"))
	if err != nil {
		return StreamOutput{}, err
	}
	defer resp.Body.Close()
	out := StreamOutput{
		ExecutedVersion: resp.Header.Get("X-Amz-Executed-Version"),
		RequestID:       resp.Header.Get("X-Amzn-RequestId"),
	}
	return out, out.read(resp.Body, write)
}

// read reads the events of a stream to the one that ends it.
func (o *StreamOutput) read(body io.Reader, write func([]byte) error) error {
	decoder := eventstream.NewDecoder()
	buffer := make([]byte, 0, 64<<10)
	for {
		event, err := decoder.Decode(io.LimitReader(body, maxFrame), buffer)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return errStreamBroke
		}
		if err != nil {
			return fmt.Errorf("read the stream: %w", err)
		}
		switch header(event, ":event-type") {
		case "PayloadChunk":
			if err := write(event.Payload); err != nil {
				return err
			}
		case "InvokeComplete":
			return o.complete(event.Payload)
		default:
			if header(event, ":message-type") == "exception" {
				return fmt.Errorf("the stream broke off: %s: %s", header(event, ":exception-type"), event.Payload)
			}
		}
	}
}

// complete reads the event that ends a stream.
func (o *StreamOutput) complete(payload []byte) error {
	var end struct{ ErrorCode, ErrorDetails, LogResult string }
	if err := json.Unmarshal(payload, &end); err != nil {
		return fmt.Errorf("read the end of the stream: %w", err)
	}
	o.ErrorCode, o.ErrorDetails = end.ErrorCode, end.ErrorDetails
	if end.LogResult == "" {
		return nil
	}
	tail, err := base64.StdEncoding.DecodeString(end.LogResult)
	if err != nil {
		return fmt.Errorf("read the log tail: %w", err)
	}
	o.LogTail = tail
	return nil
}

// header returns a header of an event; empty when there is none.
func header(event eventstream.Message, name string) string {
	value := event.Headers.Get(name)
	if value == nil {
		return ""
	}
	return value.String()
}
