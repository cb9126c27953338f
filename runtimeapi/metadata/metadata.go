// Package metadata is Lambda's metadata endpoint (version 2026-01-15): what the
// processes of an environment may ask about the place where they run. It is served
// beside the Runtime API, to runtimes and extensions alike.
package metadata

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strings"
)

// Path is the only one that an Endpoint is for.
const Path = "/2026-01-15/metadata/execution-environment"

// Endpoint answers for one environment. It is safe for concurrent use.
type Endpoint struct{ token, zone string }

// New makes the endpoint of an environment in a region.
func New(region string) *Endpoint { return &Endpoint{token: rand.Text(), zone: ZoneID(region)} }

// Token is what a request must carry, as a bearer's: function code that can be
// made to fetch a URL must not give anything away by that alone.
func (e *Endpoint) Token() string { return e.token }

// ServeHTTP answers a GET with the Availability Zone. Other methods get a 405,
// requests without the token a 401.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		refuse(w, http.StatusMethodNotAllowed)
		return
	}
	token, bearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !bearer || subtle.ConstantTimeCompare([]byte(token), []byte(e.token)) != 1 {
		refuse(w, http.StatusUnauthorized)
		return
	}
	body, err := json.Marshal(struct{ AvailabilityZoneID string }{e.zone})
	if err != nil {
		refuse(w, http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "private, max-age=43200, immutable")
	_, _ = w.Write(body)
}

func refuse(w http.ResponseWriter, status int) { http.Error(w, http.StatusText(status), status) }

// ZoneID is the ID of a region's first Availability Zone: use1-az1 in us-east-1.
// Such an ID has the region in short, with one letter for each point of the compass.
func ZoneID(region string) string {
	parts := strings.Split(region, "-")
	var short strings.Builder
	for i, part := range parts {
		switch {
		case part == "":
		case i == 0 || i == len(parts)-1:
			short.WriteString(part)
		case part == "northeast", part == "northwest", part == "southeast", part == "southwest":
			short.WriteString(part[:1] + part[5:6])
		default:
			short.WriteString(part[:1])
		}
	}
	return short.String() + "-az1"
}
