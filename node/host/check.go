// Package host says what this machine can run and enforce, without a node: what the
// operating system offers, what the sandbox driver makes of it and which managed
// runtimes there are. It also gets what runtimes lack.
package host

import "context"

// Check is one thing that hearth needs of a host, and what was found.
type Check struct {
	Name   string // what: "user namespaces"
	Status Status // how well it is there
	Detail string // what was found
	Fix    string `json:",omitempty"` // what the operator can do, unless Status is OK
}

// Status is the verdict of a Check.
type Status string

const (
	OK      Status = "ok"
	Limited Status = "limited" // functions run, something is not enforced or not there
	Missing Status = "missing" // some functions cannot run
)

// Probe looks at one aspect of the host. It leaves nothing behind.
type Probe func(ctx context.Context) ([]Check, error)
