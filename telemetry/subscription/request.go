package subscription

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/telemetry/schema"
)

// The APIs, as Subscribe is told of them.
const (
	TelemetryAPI = "telemetry"
	LogsAPI      = "logs"
)

// Defaults and ranges of buffering, the same for both APIs.
const (
	defaultItems, minItems, maxItems       = 10000, 1000, 10000
	defaultBytes, minBytes, maxBytes       = 262144, 262144, 1048576
	defaultTimeout, minTimeout, maxTimeout = 1000, 25, 30000
)

// reservedPort is the Runtime API's.
const reservedPort = 9001

// typePlatform is the type of platform events; lines have their source's.
const typePlatform = "platform"

// request is a valid subscription.
type request struct {
	version schema.Version
	types   []string // in the order of the request
	items   int
	bytes   int
	timeout time.Duration
	port    int
	url     string // of HTTP; empty: TCP
}

// refusal is why a subscription was not accepted.
type refusal struct {
	status    int
	errorType string
	message   string
}

func (r *refusal) body() []byte {
	b, err := json.Marshal(struct {
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}{r.message, r.errorType})
	if err != nil {
		return nil // two strings always marshal
	}
	return b
}

const accessDenied = "AccessDenied"

// prefix is an API's part of error types.
func prefix(api string) string {
	if api == LogsAPI {
		return "Logs."
	}
	return "Telemetry."
}

func closedRefusal(api string) *refusal {
	name := strings.TrimSuffix(prefix(api), ".")
	return &refusal{403, prefix(api) + "SubscriptionClosed", name + " API subscription is closed already"}
}

// wireRequest is the body of a subscription.
type wireRequest struct {
	SchemaVersion *string  `json:"schemaVersion"`
	Types         []string `json:"types"`
	Buffering     *struct {
		MaxItems  *int `json:"maxItems"`
		MaxBytes  *int `json:"maxBytes"`
		TimeoutMs *int `json:"timeoutMs"`
	} `json:"buffering"`
	Destination *struct {
		Protocol string `json:"protocol"`
		URI      string `json:"URI"`
		Port     *int   `json:"port"`
		Method   string `json:"method"`   // of the Logs API; POST is all there is
		Encoding string `json:"encoding"` // of the Logs API; JSON is all there is
	} `json:"destination"`
}

// parse reads a subscription.
func parse(api string, body []byte) (*request, *refusal) {
	var wire wireRequest
	dec := json.NewDecoder(bytes.NewReader(body))
	if err := dec.Decode(&wire); err != nil || dec.More() {
		return nil, &refusal{400, prefix(api) + "DeserializationError", "The request body is not valid JSON of a subscription"}
	}
	invalid := func(format string, args ...any) *refusal {
		return &refusal{400, prefix(api) + "ValidationError", fmt.Sprintf(format, args...)}
	}
	r := &request{}
	if err := r.setVersion(api, wire.SchemaVersion); err != nil {
		return nil, invalid("%s", err)
	}
	if err := r.setTypes(wire.Types); err != nil {
		return nil, invalid("%s", err)
	}
	if err := r.setBuffering(&wire); err != nil {
		return nil, invalid("%s", err)
	}
	if wire.Destination == nil {
		return nil, invalid("destination is required")
	}
	d := wire.Destination
	switch strings.ToUpper(d.Protocol) {
	case "HTTP":
		if d.Method != "" && d.Method != "POST" {
			return nil, invalid("destination.method must be POST")
		}
		return r.setHTTP(d.URI, invalid)
	case "TCP":
		if d.Port == nil {
			return nil, invalid("destination.port is required")
		}
		return r.setPort(*d.Port, invalid)
	default:
		return nil, invalid("destination.protocol must be one of [HTTP, TCP]")
	}
}

func (r *request) setVersion(api string, v *string) error {
	known := []schema.Version{schema.Telemetry2022July, schema.Telemetry2022December, schema.Telemetry2025}
	if api == LogsAPI {
		known = []schema.Version{schema.Logs2020, schema.Logs2021}
		if v == nil {
			r.version = schema.Logs2020
			return nil
		}
	}
	if v == nil {
		return fmt.Errorf("schemaVersion is required")
	}
	r.version = schema.Version(*v)
	if !slices.Contains(known, r.version) {
		return fmt.Errorf("schemaVersion must be one of %v", known)
	}
	return nil
}

func (r *request) setTypes(types []string) error {
	known := []string{typePlatform, string(hearth.SourceFunction), string(hearth.SourceExtension)}
	if len(types) == 0 {
		return fmt.Errorf("types must have at least one of %v", known)
	}
	for _, t := range types {
		if !slices.Contains(known, t) {
			return fmt.Errorf("types must be of %v", known)
		}
		if !slices.Contains(r.types, t) {
			r.types = append(r.types, t)
		}
	}
	return nil
}

func (r *request) setBuffering(wire *wireRequest) error {
	timeout := defaultTimeout
	r.items, r.bytes = defaultItems, defaultBytes
	if b := wire.Buffering; b != nil {
		for _, f := range []struct {
			name     string
			value    *int
			to       *int
			low, top int
		}{
			{"maxItems", b.MaxItems, &r.items, minItems, maxItems},
			{"maxBytes", b.MaxBytes, &r.bytes, minBytes, maxBytes},
			{"timeoutMs", b.TimeoutMs, &timeout, minTimeout, maxTimeout},
		} {
			if f.value == nil {
				continue
			}
			if *f.value < f.low || *f.value > f.top {
				return fmt.Errorf("buffering.%s must be between %d and %d", f.name, f.low, f.top)
			}
			*f.to = *f.value
		}
	}
	r.timeout = time.Duration(timeout) * time.Millisecond
	return nil
}

// setHTTP takes a URI at a name that a sandbox has for itself.
func (r *request) setHTTP(uri string, invalid func(string, ...any) *refusal) (*request, *refusal) {
	u, err := url.Parse(uri)
	if err != nil || uri == "" {
		return nil, invalid("destination.URI is not a URI")
	}
	if u.Scheme != "http" || u.Hostname() != "sandbox.localdomain" && u.Hostname() != "sandbox" || u.User != nil {
		return nil, &refusal{403, accessDenied, "destination.URI must be of the form http://sandbox.localdomain:${port}/${path}"}
	}
	port := 80
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return nil, invalid("destination.URI has an invalid port")
		}
	}
	u.Fragment = ""
	r.url = u.String()
	return r.setPort(port, invalid)
}

func (r *request) setPort(port int, invalid func(string, ...any) *refusal) (*request, *refusal) {
	switch {
	case port < 1 || port > 65535:
		return nil, invalid("the port of the destination must be between 1 and 65535")
	case port == reservedPort:
		return nil, invalid("port %d is reserved", reservedPort)
	}
	r.port = port
	return r, nil
}
