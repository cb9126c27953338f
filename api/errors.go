package api

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/hearthd/hearth"
)

// wireError is how an error kind crosses the wire. Status and casing of the
// codes that the model knows come from the model: see errorShapeOf.
type wireError struct {
	kind error
	code string
}

// wireErrors is the table. An error is matched against it from the top.
func wireErrors() []wireError {
	return []wireError{
		{hearth.ErrThrottled, "TooManyRequestsException"},
		{hearth.ErrNoPublished, "NoPublishedVersionException"},
		{hearth.ErrNotFound, "ResourceNotFoundException"},
		{hearth.ErrConflict, "ResourceConflictException"},
		{hearth.ErrInvalid, "InvalidParameterValueException"},
		{hearth.ErrValidation, "ValidationException"},
		{hearth.ErrPrecondition, "PreconditionFailedException"},
		{hearth.ErrTooLarge, "RequestEntityTooLargeException"},
		{hearth.ErrInvalidContent, "InvalidRequestContentException"},
		{hearth.ErrSerialization, "SerializationException"},
		{hearth.ErrUnsupportedMedia, "UnsupportedMediaTypeException"},
		{hearth.ErrInvalidRuntime, "InvalidRuntimeException"},
		{hearth.ErrInvalidZip, "InvalidZipFileException"},
		{hearth.ErrCodeStorage, "CodeStorageExceededException"},
		{hearth.ErrDenied, "AccessDeniedException"},
		{hearth.ErrNotImplemented, "NotImplementedException"},
		{hearth.ErrUnknownOperation, "UnknownOperationException"},
		{hearth.ErrUnavailable, "ServiceException"},
		{hearth.ErrResourceNotReady, "ResourceNotReadyException"},
		{hearth.ErrPolicyTooLong, "PolicyLengthExceededException"},
		{hearth.ErrRecursiveInvoke, "RecursiveInvocationException"},
		{hearth.ErrProvisionedMissing, "ProvisionedConcurrencyConfigNotFoundException"},
		{hearth.ErrInUse, "ResourceInUseException"},
		{hearth.ErrCodeSigningMissing, "CodeSigningConfigNotFoundException"},
		{hearth.ErrNoSignature, "MissingAuthenticationTokenException"},
		{hearth.ErrSignatureForm, "IncompleteSignatureException"},
		{hearth.ErrSignature, "InvalidSignatureException"},
		{hearth.ErrUnknownClient, "UnrecognizedClientException"},
		{hearth.ErrTokenExpired, "ExpiredTokenException"},
	}
}

// errorShape is the wire form of one error code.
type errorShape struct {
	status  int
	message string // the member that holds the message: its case differs by code
	typ     string // value of the member Type; empty: there is none
}

// unmodelled are the codes that AWS sends without having them in the model.
func unmodelled(code string) errorShape {
	switch code {
	case "RequestEntityTooLargeException":
		return errorShape{http.StatusRequestEntityTooLarge, "message", ""}
	case "AccessDeniedException", "MissingAuthenticationTokenException", "IncompleteSignatureException",
		"InvalidSignatureException", "UnrecognizedClientException", "ExpiredTokenException":
		return errorShape{http.StatusForbidden, "message", ""}
	case "UnknownOperationException":
		return errorShape{http.StatusNotFound, "message", "User"}
	case "NotImplementedException":
		return errorShape{http.StatusNotImplemented, "message", "Service"}
	case "SerializationException":
		return errorShape{http.StatusBadRequest, "Message", ""}
	default: // ValidationException
		return errorShape{http.StatusBadRequest, "message", ""}
	}
}

// serviceException is what callers learn of an error that was not meant for
// them.
const (
	serviceException = "ServiceException"
	serviceMessage   = "The service encountered an internal error. The server's log has more under this request's id."
)

// WriteError answers a request with an error. The kind that err wraps decides
// on code, status and body; the message is that of the *hearth.Error or
// *hearth.Throttle in err. Any other error is a ServiceException whose text
// stays inside. Headers that w has already are kept.
func WriteError(w http.ResponseWriter, requestID string, err error) {
	code, message := codeOf(err)
	shape, ok := errorShapeOf(code)
	if !ok {
		shape = unmodelled(code)
	}
	body := map[string]any{shape.message: message}
	var typed *hearth.Error
	if errors.As(err, &typed) && typed.Message == "" {
		body[shape.message] = nil
	}
	if shape.typ != "" && (typed == nil || !typed.NoType) {
		body["Type"] = shape.typ
	}
	h := w.Header()
	var throttle *hearth.Throttle
	if errors.As(err, &throttle) {
		body["Reason"] = throttle.Reason
		if throttle.RetryAfter > 0 {
			h.Set("Retry-After", strconv.Itoa(int(math.Ceil(throttle.RetryAfter.Seconds()))))
		}
	}
	data, encodeErr := json.Marshal(body) // a map: members come sorted, as AWS has them
	if encodeErr != nil {
		data = nil // cannot happen: strings marshal
	}
	h["X-Amzn-Requestid"] = []string{requestID}
	h["X-Amzn-Errortype"] = []string{code}
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(data))}
	w.WriteHeader(shape.status)
	w.Write(data) //nolint:errcheck // the caller is gone, and nobody is left to tell
}

// codeOf returns the AWS error code of err and the message for the caller.
func codeOf(err error) (code, message string) {
	var typed *hearth.Error
	var throttle *hearth.Throttle
	switch {
	case errors.As(err, &typed):
		message = typed.Message
	case errors.As(err, &throttle):
		message = throttle.Error()
	}
	for _, e := range wireErrors() {
		if errors.Is(err, e.kind) {
			if message == "" {
				message = e.kind.Error()
			}
			return e.code, message
		}
	}
	return serviceException, serviceMessage
}

// isFault says whether err is ours rather than the caller's.
func isFault(err error) bool {
	code, _ := codeOf(err)
	shape, ok := errorShapeOf(code)
	return ok && shape.status == http.StatusInternalServerError
}
