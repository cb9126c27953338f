package invocation

// CheckJSON is the check of invocation payloads.
func CheckJSON(payload []byte) error { return checkJSON(payload) }
