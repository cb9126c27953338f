package destination

import (
	"log/slog"

	"github.com/hearthd/hearth"
)

// Permissions says what the role of a function may do.
type Permissions interface {
	// MayInvoke returns why a function may not invoke the function that an ARN
	// names; nil when it may.
	MayInvoke(fn *hearth.Function, target string) error
}

// Permitted returns the rules without those functions that fn may not invoke: a
// destination is no way around a policy. What is left out is logged. Targets of
// other services stay: their own policies decide.
func (r Rules) Permitted(fn *hearth.Function, p Permissions, logger *slog.Logger) Rules {
	for _, target := range []*string{&r.OnSuccess, &r.OnFailure, &r.DeadLetter} {
		if _, _, isFunction := FunctionTarget(*target); !isFunction {
			continue
		}
		if err := p.MayInvoke(fn, *target); err != nil {
			logger.Warn("a destination is not told", "function", fn.Name.String(), "destination", *target, "error", err)
			*target = ""
		}
	}
	return r
}
