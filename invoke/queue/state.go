package queue

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/hearthd/hearth"
)

// event is an event that was accepted.
type event struct {
	id        string
	line      *line // of the function
	qualifier string
	trace     string
	tenant    string

	// What the journal keeps beside the payload. Only the goroutine that runs
	// the event changes it.
	accepted time.Time
	due      time.Time // zero: at once
	attempts int       // runs that ended with the function's failure
	delays   int       // turns that ended with a throttle, since the last run

	hop     string    // trace as the last run left it: for those who are told
	payload []byte    // nil: in the journal only
	ready   time.Time // since when, in real time
}

// state is an event's state in the journal. Times are milliseconds since 1970.
type state struct {
	Account   string `json:"a"`
	Region    string `json:"r"`
	Function  string `json:"f"`
	ID        string `json:"i,omitempty"`
	Qualifier string `json:"q,omitempty"`
	Trace     string `json:"x,omitempty"`
	Tenant    string `json:"t,omitempty"`
	Accepted  int64  `json:"at"`
	Due       int64  `json:"due,omitempty"`
	Attempts  int    `json:"n,omitempty"`
	Delays    int    `json:"d,omitempty"`
}

func (ev *event) encode() ([]byte, error) {
	name := ev.line.name
	s := state{
		Account: name.Account, Region: name.Region, Function: name.Function, ID: ev.line.id, Qualifier: ev.qualifier,
		Trace: ev.trace, Tenant: ev.tenant, Accepted: ev.accepted.UnixMilli(), Attempts: ev.attempts, Delays: ev.delays,
	}
	if !ev.due.IsZero() {
		s.Due = ev.due.UnixMilli()
	}
	b, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode event %s: %w", ev.id, err)
	}
	return b, nil
}

// decodeState is the inverse of encode, but for the line.
func decodeState(id string, b []byte) (*event, owner, error) {
	var s state
	if err := json.Unmarshal(b, &s); err != nil {
		return nil, owner{}, fmt.Errorf("decode event %s: %w", id, err)
	}
	ev := &event{
		id: id, qualifier: s.Qualifier, trace: s.Trace, tenant: s.Tenant,
		accepted: time.UnixMilli(s.Accepted), attempts: max(0, s.Attempts), delays: max(0, s.Delays),
	}
	if s.Due != 0 {
		ev.due = time.UnixMilli(s.Due)
	}
	return ev, owner{hearth.Name{Account: s.Account, Region: s.Region, Function: s.Function}, s.ID}, nil
}
