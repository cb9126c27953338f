// Package terminal is where a verb meets whoever typed it: the standard streams and
// the environment of the process, values that flags name, progress while one waits,
// and results as tables, lines or JSON. Tests give it buffers.
package terminal

import (
	"io"
	"os"
)

// Terminal is what a verb sees of the outside world.
type Terminal struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(name string) string
	Draws          bool // Stderr is a terminal: progress may be drawn on it
}

// OfProcess returns the terminal of this process.
func OfProcess() *Terminal {
	return &Terminal{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
		Draws: isTerminal(os.Stderr) && os.Getenv("TERM") != "dumb",
	}
}
