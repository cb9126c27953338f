package control

import "net/http"

// CheckJSON is the check of invocation payloads.
func CheckJSON(payload []byte) error { return checkJSON(payload) }

// SignedRegion is the region that a request was signed for.
func SignedRegion(r *http.Request) string { return signedRegion(r) }
