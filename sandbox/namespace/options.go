package namespace

import (
	"log/slog"
	"net/netip"
)

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
	// NAT lets sandboxes have sandbox.NetworkNAT where the host allows it, which
	// Capabilities.Outbound tells: New then changes the host's network as package
	// nat says, Close puts it back, and spares are made for it. It takes root.
	NAT bool
	// NATRange is where sandboxes get their addresses from: an IPv4 network that
	// nothing else uses, of an address for each sandbox. The zero value: the
	// first free one of 10.199.0.0/16 to 10.214.0.0/16.
	NATRange netip.Prefix
}
