package api

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
)

// EventStreamType is the content type of streamed answers.
const EventStreamType = "application/vnd.amazon.eventstream"

// EventWriter writes the events of an InvokeWithResponseStream answer. Each is
// on the wire when its method returns. Status and headers are the caller's.
type EventWriter struct {
	w       http.ResponseWriter
	flush   func() error
	encoder *eventstream.Encoder
	chunk   eventstream.Headers
}

// NewEventWriter returns an EventWriter on w.
func NewEventWriter(w http.ResponseWriter) *EventWriter {
	return &EventWriter{
		w:       w,
		flush:   http.NewResponseController(w).Flush,
		encoder: eventstream.NewEncoder(),
		chunk:   eventHeaders("PayloadChunk", "application/octet-stream"),
	}
}

func eventHeaders(event, contentType string) eventstream.Headers {
	return eventstream.Headers{
		{Name: ":event-type", Value: eventstream.StringValue(event)},
		{Name: ":content-type", Value: eventstream.StringValue(contentType)},
		{Name: ":message-type", Value: eventstream.StringValue("event")},
	}
}

// PayloadChunk sends a piece of the response.
func (e *EventWriter) PayloadChunk(payload []byte) error {
	return e.write(eventstream.Message{Headers: e.chunk, Payload: payload})
}

// InvokeComplete sends the last event.
func (e *EventWriter) InvokeComplete(event *InvokeWithResponseStreamCompleteEvent) error {
	payload, err := json.Marshal(event)
	if err != nil {
		return fmt.Errorf("encode the end of a stream: %w", err)
	}
	return e.write(eventstream.Message{Headers: eventHeaders("InvokeComplete", "application/json"), Payload: payload})
}

func (e *EventWriter) write(msg eventstream.Message) error {
	if err := e.encoder.Encode(e.w, msg); err != nil {
		return fmt.Errorf("write an event: %w", err)
	}
	if err := e.flush(); err != nil {
		return fmt.Errorf("send an event: %w", err)
	}
	return nil
}
