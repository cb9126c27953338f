// Package exit says how a command of hearth ends. A verb returns an error; Run
// prints it, with a hint where one helps, and turns its kind into an exit code,
// by one table that `hearth help exit-codes` prints too.
//
// Kinds are those of package hearth, for verbs that run functions themselves, the
// status of a daemon's answer, for those that ask one, and two of this package: a
// command line that makes no sense (Usagef) and a function that failed
// (ErrFunction).
package exit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

// ErrFunction marks an invocation that reached its function and failed there:
// what the function answered has been printed, the error says what it was.
var ErrFunction = errors.New("function failed")

// FunctionFailed returns an ErrFunction with the error type and message that are in
// a function's answer or, if it has none, with other words for it.
func FunctionFailed(answer []byte, otherwise string) error {
	var failure struct{ ErrorType, ErrorMessage string }
	if json.Unmarshal(answer, &failure) != nil || failure.ErrorType == "" {
		return fmt.Errorf("%w: %s", ErrFunction, otherwise)
	}
	return fmt.Errorf("%w: %s: %s", ErrFunction, failure.ErrorType, failure.ErrorMessage)
}

// usageError is a command line, or a setting, that makes no sense.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// Usagef returns an error that says what is wrong with a command line, or with a
// setting from elsewhere. The format is that of fmt.Errorf.
func Usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// Run executes root's command line, prints the error that ended it to stderr, and
// returns the exit code. What cobra finds wrong with flags and arguments is a
// usage error, in every command below root.
func Run(ctx context.Context, root *cobra.Command, stderr io.Writer) int {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return Usagef("%w", err) })
	markArguments(root)
	cmd, err := root.ExecuteContextC(ctx)
	code := Code(ctx, err)
	if code == OK || code == Interrupted {
		return code
	}
	fmt.Fprintln(stderr, "hearth:", err)
	if h := hint(err); h != "" {
		fmt.Fprintln(stderr, h)
	}
	if code == Usage {
		fmt.Fprintf(stderr, "See: %s --help\n", cmd.CommandPath())
	}
	return code
}

// markArguments makes the errors of argument validators usage errors.
func markArguments(cmd *cobra.Command) {
	if validate := cmd.Args; validate != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if err := validate(cmd, args); err != nil {
				return Usagef("%w", err)
			}
			return nil
		}
	}
	for _, child := range cmd.Commands() {
		markArguments(child)
	}
}
