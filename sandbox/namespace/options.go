package namespace

import "log/slog"

// Name is the driver's name: --sandbox namespace.
const Name = "namespace"

// Options configure a driver.
type Options struct {
	// StateDir is a directory for the driver alone; it is created. A second
	// live driver on the same directory is refused.
	StateDir string
	// Logger gets what happens outside of any call. Nil: nothing is logged.
	Logger *slog.Logger
	// HardCPU bounds a sandbox to Spec.CPU also when cores are idle, as Lambda
	// does. Without it Spec.CPU is its weight when sandboxes compete, and
	// Capabilities.CPU says that there is no bound.
	HardCPU bool
	// Spares is how many sandboxes are kept started ahead of need: 0 is the
	// default of 4, negative is none. A spare holds a few kilobytes.
	Spares int
}
