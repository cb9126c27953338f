package exit

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api/client"
)

// Exit codes. Scripts depend on them: a code never changes its meaning.
const (
	OK          = 0
	Internal    = 1
	Usage       = 2
	Function    = 3
	NotFound    = 4
	Throttled   = 5
	Unreachable = 6
	Conflict    = 7
	Invalid     = 8
	Denied      = 9
	Unavailable = 10
	NoRuntime   = 11
	Interrupted = 130
)

// row ties an exit code to the errors that it stands for.
type row struct {
	code     int
	meaning  string
	kinds    []error  // sentinels
	statuses []int    // HTTP, of a daemon's answer
	codes    []string // AWS's, of a daemon's answer
}

// table is the one table of exit codes.
func table() []row {
	return []row{
		{code: OK, meaning: "done"},
		{code: Internal, meaning: "anything that has no code of its own: a fault of hearth or of this machine"},
		{code: Usage, meaning: "the command line makes no sense"},
		{code: Function, meaning: "the function was invoked and failed; its error was printed", kinds: []error{ErrFunction}},
		{code: NotFound, meaning: "no such function, version, alias or layer",
			kinds: []error{hearth.ErrNotFound}, statuses: []int{http.StatusNotFound}},
		{code: Throttled, meaning: "refused for now: a concurrency or rate limit was reached",
			kinds: []error{hearth.ErrThrottled}, statuses: []int{http.StatusTooManyRequests}},
		{code: Unreachable, meaning: "no daemon at the endpoint"},
		{code: Conflict, meaning: "in conflict with the function's state: it exists, changes, or has changed",
			kinds:    []error{hearth.ErrConflict, hearth.ErrPrecondition, hearth.ErrResourceNotReady},
			statuses: []int{http.StatusConflict, http.StatusPreconditionFailed}},
		{code: Invalid, meaning: "a value, a payload or an archive was refused",
			kinds: []error{hearth.ErrInvalid, hearth.ErrValidation, hearth.ErrTooLarge, hearth.ErrInvalidContent,
				hearth.ErrUnsupportedMedia, hearth.ErrInvalidZip, hearth.ErrCodeStorage},
			statuses: []int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType}},
		{code: Denied, meaning: "access denied",
			kinds: []error{hearth.ErrDenied}, statuses: []int{http.StatusUnauthorized, http.StatusForbidden}},
		{code: Unavailable, meaning: "not in this build, or the daemon is stopping",
			kinds:    []error{hearth.ErrNotImplemented, hearth.ErrUnavailable},
			statuses: []int{http.StatusNotImplemented, http.StatusServiceUnavailable}},
		{code: NoRuntime, meaning: "the function's runtime is not on this machine, or none that hearth runs; see hearth runtimes",
			kinds: []error{hearth.ErrInvalidRuntime}, codes: []string{"InvalidRuntimeException"}},
		{code: Interrupted, meaning: "interrupted by a signal"},
	}
}

// Code returns the exit code for an error that ended a command.
func Code(ctx context.Context, err error) int {
	if err == nil {
		return OK
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return Interrupted
	}
	if _, ok := errors.AsType[*usageError](err); ok {
		return Usage
	}
	if _, ok := errors.AsType[*client.UnreachableError](err); ok {
		return Unreachable
	}
	answer, _ := errors.AsType[*client.Error](err)
	for _, k := range table() {
		if answer != nil && (slices.Contains(k.statuses, answer.StatusCode) || slices.Contains(k.codes, answer.Code)) {
			return k.code
		}
		if slices.ContainsFunc(k.kinds, func(kind error) bool { return errors.Is(err, kind) }) {
			return k.code
		}
	}
	return Internal
}

// hint says what to do about an error whose text, being AWS's, does not; empty
// for all others.
func hint(err error) string {
	answer, ok := errors.AsType[*client.Error](err)
	if !ok {
		return ""
	}
	switch answer.Code {
	case "MissingAuthenticationTokenException":
		return "this daemon asks for signatures: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY to an access key of its list"
	case "UnrecognizedClientException":
		return "AWS_ACCESS_KEY_ID is no access key of this daemon's list, which its --credentials or --config names"
	case "InvalidSignatureException":
		return "AWS_SECRET_ACCESS_KEY is not the one that belongs to AWS_ACCESS_KEY_ID, or the clocks differ"
	default:
		return ""
	}
}

// NewTopic returns `hearth help exit-codes`.
func NewTopic() *cobra.Command {
	var text strings.Builder
	text.WriteString("The exit code says what kind of error ended a command:\n\n")
	for _, k := range table() {
		fmt.Fprintf(&text, "%5d  %s\n", k.code, k.meaning)
	}
	return &cobra.Command{
		Use:   "exit-codes",
		Short: "What the exit codes mean",
		Long:  strings.TrimRight(text.String(), "\n"),
	}
}
