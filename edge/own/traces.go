package own

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// TraceQuery selects X-Ray segments.
type TraceQuery struct {
	TraceID string    // empty: of every trace
	Since   time.Time // of the days since; zero: all
	Limit   int       // the latest that many; 0: as many as Traces gives
}

// Traces has the segments that functions sent; see telemetry/xray.
type Traces interface {
	// Traces returns segments, the oldest first.
	Traces(q TraceQuery) ([]json.RawMessage, error)
}

// traces answers with the segments that functions sent, one JSON object a line;
// traceId, since (RFC 3339) and limit select.
func (h *Handler) traces(w http.ResponseWriter, r *http.Request) {
	q := TraceQuery{TraceID: r.URL.Query().Get("traceId")}
	var err error
	if since := r.URL.Query().Get("since"); since != "" {
		q.Since, err = time.Parse(time.RFC3339, since)
	}
	if limit := r.URL.Query().Get("limit"); limit != "" && err == nil {
		q.Limit, err = strconv.Atoi(limit)
	}
	if err != nil || q.Limit < 0 {
		http.Error(w, "since is a time of RFC 3339, limit a number", http.StatusBadRequest)
		return
	}
	segments, err := h.opts.Traces.Traces(q)
	if err != nil {
		h.opts.Logger.Error("read traces", "error", err)
		http.Error(w, "traces cannot be read", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	enc := json.NewEncoder(w)
	for _, segment := range segments {
		if err := enc.Encode(segment); err != nil {
			h.opts.Logger.Debug("answer with traces", "error", err)
			return
		}
	}
}
