package exit_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api/client"
	"github.com/hearthd/hearth/cmd/hearth/exit"
)

func TestCode_ByErrorKind(t *testing.T) {
	answer := func(status int) error { return fmt.Errorf("call: %w", &client.Error{StatusCode: status}) }
	tests := []struct {
		err  error
		want int
	}{
		{nil, exit.OK},
		{errors.New("disk full"), exit.Internal},
		{answer(500), exit.Internal},
		{exit.Usagef("what"), exit.Usage},
		{fmt.Errorf("%w: x", exit.ErrFunction), exit.Function},
		{answer(404), exit.NotFound},
		{fmt.Errorf("x: %w", hearth.ErrNotFound), exit.NotFound},
		{answer(429), exit.Throttled},
		{&hearth.Throttle{}, exit.Throttled},
		{&client.UnreachableError{}, exit.Unreachable},
		{answer(409), exit.Conflict},
		{answer(412), exit.Conflict},
		{answer(400), exit.Invalid},
		{answer(413), exit.Invalid},
		{hearth.Errorf(hearth.ErrInvalidZip, "x"), exit.Invalid},
		{answer(403), exit.Denied},
		{answer(501), exit.Unavailable},
		{answer(503), exit.Unavailable},
		{hearth.Errorf(hearth.ErrInvalidRuntime, "python3.9 needs a Python 3.9 interpreter"), exit.NoRuntime},
		{fmt.Errorf("call: %w", &client.Error{StatusCode: 502, Code: "InvalidRuntimeException"}), exit.NoRuntime},
		{fmt.Errorf("call: %w", &client.Error{StatusCode: 400, Code: "InvalidParameterValueException"}), exit.Invalid},
		{answer(502), exit.Internal},
		{context.Canceled, exit.Internal}, // not by a signal
	}
	for _, test := range tests {
		if got := exit.Code(t.Context(), test.err); got != test.want {
			t.Errorf("exit code of %v = %d, want %d", test.err, got, test.want)
		}
	}
}
