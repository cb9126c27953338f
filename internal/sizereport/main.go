// Command sizereport prints what in the module is larger than the budgets of
// docs/ARCHITECTURE.md: packages, files, functions, and goroutines that are
// started. It warns and does not fail: a budget may be exceeded for a reason,
// which the package comment gives. Tests and generated files are not counted.
package main

import (
	"fmt"
	"os"
)

func main() {
	sizes, err := measure(os.DirFS("."))
	if err != nil {
		fmt.Fprintln(os.Stderr, "sizereport:", err)
		os.Exit(1)
	}
	for _, line := range sizes.report() {
		fmt.Println(line)
	}
}
