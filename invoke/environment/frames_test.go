package environment_test

import (
	"github.com/hearthd/hearth"
)

// Message makes a journal what takes framed events.
func (j *journal) Message(m hearth.LogMessage) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.add(">> " + string(m.Level) + " " + string(m.Text))
}
