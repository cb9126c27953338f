// Command apigen writes the generated part of package api from AWS's service
// model of Lambda.
//
// The model is not in this repository: apigen downloads the botocore package
// that holds it, at a pinned version and with a pinned checksum, into a cache
// directory, lays the overlay over it and emits Go without the model's texts.
// Names and order follow the model, so that a newer version shows up as a
// small diff. Run it with `make generate`.
//
// The overlay is written by hand. It holds operations and members that the Go
// SDK (service/lambda v1.114.1) has and the pinned model lacks; patterns and
// orders of enums as the real service's messages print them; and the names of
// hand-written matchers and checks in package api. Its keys are the model's,
// and a few more: see type shape.
//
// What goes where:
//
//	zz_inputs.go zz_outputs.go zz_shapes.go zz_enums.go   types
//	zz_operations.go                                      one Op value each
//	zz_bindings.go                                        request -> input, output -> response
//	zz_rules.go zz_checks.go                              constraints, and what applies them
//	zz_errors.go                                          status and casing by error code
//	zz_operations_test.go                                 the list of operations, for tests
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "apigen:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("apigen", flag.ContinueOnError)
	overlay := flags.String("overlay", "internal/apigen/overlay.json", "what to lay over the model")
	out := flags.String("out", "api", "directory of the package to write to")
	cache := flags.String("cache", "", "directory for the downloaded model (default: the user's cache)")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("read the flags: %w", err)
	}
	if *cache == "" {
		dir, err := os.UserCacheDir()
		if err != nil {
			return fmt.Errorf("find a place for the model: %w", err)
		}
		*cache = filepath.Join(dir, "hearth-apigen")
	}
	m, err := fetchModel(ctx, *cache)
	if err != nil {
		return err
	}
	over, err := readOverlay(*overlay)
	if err != nil {
		return err
	}
	if err := m.merge(over); err != nil {
		return err
	}
	files, err := generate(m)
	if err != nil {
		return err
	}
	return replace(*out, files)
}

// replace writes the generated files and removes those of an earlier run.
func replace(dir string, files map[string][]byte) error {
	old, err := filepath.Glob(filepath.Join(dir, "zz_*.go"))
	if err != nil {
		return fmt.Errorf("list generated files: %w", err)
	}
	for _, name := range old {
		if _, ok := files[filepath.Base(name)]; ok {
			continue
		}
		if err := os.Remove(name); err != nil {
			return fmt.Errorf("remove a generated file: %w", err)
		}
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return fmt.Errorf("write a generated file: %w", err)
		}
	}
	return nil
}
