package host

import (
	"context"
	"fmt"
	"os"

	"github.com/hearthd/hearth/runtimes"
)

// Runtimes looks for the interpreters of the managed runtimes.
func Runtimes(ctx context.Context) ([]Check, error) {
	dir, err := os.MkdirTemp("", "hearth-doctor-")
	if err != nil {
		return nil, fmt.Errorf("look for interpreters: %w", err)
	}
	defer os.RemoveAll(dir)
	set, err := runtimes.New(runtimes.Options{Dir: dir, Env: os.Environ()})
	if err != nil {
		return nil, fmt.Errorf("look for interpreters: %w", err)
	}
	var checks []Check
	for _, r := range runtimes.All() {
		if !r.Served || r.Family == runtimes.Provided {
			continue
		}
		check := Check{Name: r.Name, Status: OK}
		interpreter, err := set.Find(ctx, r)
		if err == nil {
			err = set.Check(ctx, r.Name) // Java needs more than the interpreter
		}
		switch {
		case ctx.Err() != nil:
			return nil, fmt.Errorf("look for interpreters: %w", ctx.Err())
		case err != nil:
			check.Status, check.Detail, check.Fix = Missing, "not on this host", err.Error()
		default:
			check.Detail = interpreter.Executable + " (" + interpreter.Version + ")"
			describeSDK(&check, set, interpreter)
		}
		checks = append(checks, check)
	}
	return checks, nil
}

// describeSDK adds to a check which SDK functions find that do not package it, or
// how to get it.
func describeSDK(check *Check, set *runtimes.Set, interpreter runtimes.Interpreter) {
	version := set.SDK(interpreter)
	switch {
	case version != "":
		check.Detail += ", " + version
	case interpreter.Family == runtimes.Python:
		check.Status, check.Detail = Limited, check.Detail+", no boto3"
		check.Fix = "hearth runtimes install python"
	case interpreter.Family == runtimes.Node:
		check.Status, check.Detail = Limited, check.Detail+", no @aws-sdk"
		check.Fix = "hearth runtimes install node"
	}
}
