package environment

import "github.com/hearthd/hearth"

// Invoke is Begin and its wait, as most tests want it.
func (e *Environment) Invoke(inv *hearth.Invocation, free func()) (hearth.Result, error) {
	return e.Begin(inv, free)()
}
