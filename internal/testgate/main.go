// Command testgate runs `go test -json` with the arguments that it is given,
// prints what a reader needs of it, and fails when the tests fail or when a
// whole class of them was skipped: a package, or a test with all its subtests.
// A single skipped test is listed with its reason and is not an error.
//
// What a passing test prints is not shown. The last lines are go test's own:
// one per package.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "testgate:", err)
		os.Exit(1)
	}
}

// run runs go test with args and judges it.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	// go test ends the tests that it runs when it is interrupted, not when it
	// is killed.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stderr = stderr
	output, err := cmd.StdoutPipe()
	if err != nil {
		return fmt.Errorf("pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start go test: %w", err)
	}
	report := newReport(stdout)
	readErr := report.read(bufio.NewReader(output))
	testErr := cmd.Wait()
	judgement := report.finish()
	switch {
	case readErr != nil:
		return errors.Join(fmt.Errorf("read the output of go test: %w", readErr), testErr)
	case testErr != nil:
		return fmt.Errorf("go test: %w", testErr)
	default:
		return judgement
	}
}
