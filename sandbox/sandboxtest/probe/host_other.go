//go:build !linux

package probe

import (
	"context"
	"fmt"
)

// runHost would run the verbs that need Linux.
func runHost(_ context.Context, p Proc) int {
	fmt.Fprintln(p.Stderr, "probe: unknown verb", p.Args[0])
	return CodeUsage
}
