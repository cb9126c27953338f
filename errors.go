package hearth

import (
	"errors"
	"fmt"
	"time"
)

// Error kinds. A package returns one of these, wrapped with what it was doing;
// package api holds the one table that turns a kind into an AWS error code, an
// HTTP status and a body. An error that wraps none of them is an internal
// error: callers outside see ServiceException and no detail.
var (
	ErrNoPublished        = errors.New("no published version")   // NoPublishedVersionException
	ErrNotFound           = errors.New("not found")              // ResourceNotFoundException
	ErrConflict           = errors.New("conflict")               // ResourceConflictException
	ErrInvalid            = errors.New("invalid parameter")      // InvalidParameterValueException
	ErrValidation         = errors.New("validation failed")      // ValidationException: the model's own constraints
	ErrPrecondition       = errors.New("precondition failed")    // PreconditionFailedException: stale revision id
	ErrThrottled          = errors.New("throttled")              // TooManyRequestsException; see Throttle
	ErrTooLarge           = errors.New("request too large")      // RequestEntityTooLargeException
	ErrInvalidContent     = errors.New("invalid content")        // InvalidRequestContentException: payload is not JSON
	ErrSerialization      = errors.New("wrong type")             // SerializationException: a member of another type than the model's
	ErrUnsupportedMedia   = errors.New("unsupported media")      // UnsupportedMediaTypeException
	ErrInvalidRuntime     = errors.New("invalid runtime")        // InvalidRuntimeException
	ErrInvalidZip         = errors.New("invalid zip file")       // InvalidZipFileException
	ErrCodeStorage        = errors.New("code storage exceeded")  // CodeStorageExceededException
	ErrDenied             = errors.New("access denied")          // AccessDeniedException
	ErrNotImplemented     = errors.New("not implemented")        // HTTP 501: in the model, not in this build
	ErrUnknownOperation   = errors.New("unknown operation")      // HTTP 404: no such route
	ErrUnavailable        = errors.New("service unavailable")    // ServiceException: shutting down, store lost
	ErrResourceNotReady   = errors.New("resource not ready")     // ResourceNotReadyException
	ErrPolicyTooLong      = errors.New("policy too long")        // PolicyLengthExceededException
	ErrRecursiveInvoke    = errors.New("recursive invocation")   // RecursiveInvocationException
	ErrProvisionedMissing = errors.New("no provisioned config")  // ProvisionedConcurrencyConfigNotFoundException
	ErrInUse              = errors.New("resource in use")        // ResourceInUseException: in a state between two others
	ErrCodeSigningMissing = errors.New("no code signing config") // CodeSigningConfigNotFoundException
	ErrNoSignature        = errors.New("no signature")           // MissingAuthenticationTokenException
	ErrSignatureForm      = errors.New("malformed signature")    // IncompleteSignatureException
	ErrSignature          = errors.New("invalid signature")      // InvalidSignatureException: wrong, expired, for another service
	ErrUnknownClient      = errors.New("unknown credentials")    // UnrecognizedClientException
	ErrTokenExpired       = errors.New("session token expired")  // ExpiredTokenException
)

// Error is an error of a known kind whose message is meant for the caller: it
// crosses the wire word for word, so it must be AWS's own text where AWS has
// one, and must name the fix where hearth speaks for itself.
type Error struct {
	Kind    error  // one of the sentinels above
	Message string // what the caller reads; empty: null, as AWS sends where it says nothing
	// NoType leaves the "Type":"User" member out of the body, as AWS does for
	// a handful of messages.
	NoType bool
}

// Errorf returns an *Error of a kind with a caller-facing message.
func Errorf(kind error, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string { return e.Message }

// Unwrap makes errors.Is(err, kind) hold.
func (e *Error) Unwrap() error { return e.Kind }

// Throttle is the typed form of ErrThrottled.
type Throttle struct {
	Reason     string        // AWS's reason, e.g. ConcurrentInvocationLimitExceeded
	RetryAfter time.Duration // zero: no Retry-After header
}

// Reasons of a Throttle, in AWS's spelling.
const (
	ThrottleConcurrency         = "ConcurrentInvocationLimitExceeded"
	ThrottleReservedConcurrency = "ReservedFunctionConcurrentInvocationLimitExceeded"
	ThrottleInvocationRate      = "FunctionInvocationRateLimitExceeded"
	ThrottleCallerRate          = "CallerRateLimitExceeded"
)

func (t *Throttle) Error() string { return "Rate Exceeded." }

// Unwrap makes errors.Is(err, ErrThrottled) hold.
func (t *Throttle) Unwrap() error { return ErrThrottled }
