package extension

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/hearthd/hearth/internal/uuid"
)

// MaxRegistration is the most that a registration may say, in bytes.
const MaxRegistration = 64 << 10

// errOldRegistration has AWS's text.
var errOldRegistration = errors.New("configurationKeys are deprecated; use environment variables instead")

// ParseRegistration reads the events that an extension wants to register for.
func ParseRegistration(body []byte) ([]string, error) {
	var request struct {
		Events            []string `json:"events"`
		ConfigurationKeys []string `json:"configurationKeys"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, err //nolint:wrapcheck // sent to the extension as it is
	}
	if len(request.ConfigurationKeys) > 0 {
		return nil, errOldRegistration
	}
	return request.Events, nil
}

// IdentifierHeader names an extension.
const IdentifierHeader = "Lambda-Extension-Identifier"

// ParseIdentifier reads the header that names an extension, and returns it in
// the form in which identifiers are given out. The error is a Refusal.
func ParseIdentifier(value string) (string, error) {
	if value == "" {
		return "", Refuse("Extension.MissingExtensionIdentifier", "Missing %s header", IdentifierHeader)
	}
	id, err := uuid.Parse(value)
	if err != nil {
		return "", Refuse("Extension.InvalidExtensionIdentifier", "Invalid %s", IdentifierHeader)
	}
	return id, nil
}

// InvokeBody is an INVOKE event. traceID may be empty.
func InvokeBody(requestID, arn, traceID string, deadline time.Time) []byte {
	type tracing struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}
	ev := struct {
		Type       string   `json:"eventType"`
		DeadlineMs int64    `json:"deadlineMs"`
		RequestID  string   `json:"requestId"`
		ARN        string   `json:"invokedFunctionArn"`
		Tracing    *tracing `json:"tracing,omitempty"`
	}{Invoke, deadline.UnixMilli(), requestID, arn, nil}
	if traceID != "" {
		ev.Tracing = &tracing{"X-Amzn-Trace-Id", traceID}
	}
	return marshal(ev)
}

// shutdownBody is a SHUTDOWN event.
func shutdownBody(reason string, deadline time.Time) []byte {
	return marshal(struct {
		Type       string `json:"eventType"`
		DeadlineMs int64  `json:"deadlineMs"`
		Reason     string `json:"shutdownReason"`
	}{Shutdown, deadline.UnixMilli(), reason})
}

// marshal is for values that always marshal.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte("{}")
	}
	return b
}
