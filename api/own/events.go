package own

// Events counts a daemon's asynchronous events: those there are, and what has
// become of others since it started.
type Events struct {
	Ready   int `json:"ready"`   // about to be run
	Running int `json:"running"` // at this moment
	Delayed int `json:"delayed"` // to be run again later

	Recovered   int    `json:"recovered"`   // found when the daemon started
	Accepted    uint64 `json:"accepted"`    // from callers, and for destinations
	Succeeded   uint64 `json:"succeeded"`   // done
	Exhausted   uint64 `json:"exhausted"`   // given up after their last attempt
	Expired     uint64 `json:"expired"`     // given up for their age
	Refused     uint64 `json:"refused"`     // of functions without concurrency
	Dropped     uint64 `json:"dropped"`     // of functions that were gone, and of loops
	Failures    uint64 `json:"failures"`    // attempts in which the function failed
	Throttles   uint64 `json:"throttles"`   // times that a function could not be run
	Undelivered uint64 `json:"undelivered"` // messages to destinations that are no functions

	JournalBytes   int    `json:"journalBytes"`   // on disk
	JournalEntries uint64 `json:"journalEntries"` // syncs
	JournalCommits uint64 `json:"journalCommits"` // changes that they made durable
}

// Count returns how many there are.
func (e Events) Count() EventCount {
	return EventCount{Ready: e.Ready, Running: e.Running, Delayed: e.Delayed}
}
