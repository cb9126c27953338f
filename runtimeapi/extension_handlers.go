package runtimeapi

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	extensionPrefix  = "/2020-01-01/extension/"
	identifierHeader = "Lambda-Extension-Identifier"
	faultHeader      = "Lambda-Extension-Function-Error-Type"
)

// Bounds on what an extension may say of itself.
const (
	maxRegistration  = 64 << 10
	maxExtensionName = 255 // as a file name
	maxFaultType     = 256
)

// serveExtension routes what is below /extension/.
func (s *Session) serveExtension(w http.ResponseWriter, r *http.Request, rest string, about *about) {
	switch rest {
	case "register":
		if allow(w, r, http.MethodPost) {
			s.serveRegister(w, r, about)
		}
	case "event/next":
		if allow(w, r, http.MethodGet) {
			s.serveEventNext(w, r)
		}
	case "init/error":
		if allow(w, r, http.MethodPost) {
			s.serveFault(w, r, ExtensionInitError)
		}
	case "exit/error":
		if allow(w, r, http.MethodPost) {
			s.serveFault(w, r, ExtensionExitError)
		}
	default:
		writeNotFound(w)
	}
}

// serveRegister is POST /extension/register.
func (s *Session) serveRegister(w http.ResponseWriter, r *http.Request, about *about) {
	name := r.Header.Get("Lambda-Extension-Name")
	events, err := readRegistration(r)
	switch {
	case name == "":
		err = refusal("Extension.InvalidExtensionName", "Empty extension name")
	case len(name) > maxExtensionName:
		err = refusal("Extension.InvalidExtensionName", "Extension name is longer than %d bytes", maxExtensionName)
	case err != nil:
		err = refusal("InvalidRequestFormat", "%s", err.Error())
	}
	var id string
	if err == nil {
		id, err = s.register(name, events)
	}
	if err != nil {
		drain(r)
		writeRefusal(w, err)
		return
	}
	w.Header().Set(identifierHeader, id)
	writeJSON(w, about.registration(acceptsAccount(r.Header)))
}

// errOldRegistration has AWS's text.
var errOldRegistration = errors.New("configurationKeys are deprecated; use environment variables instead")

func readRegistration(r *http.Request) ([]string, error) {
	body, err := readBody(r, maxRegistration)
	if err != nil {
		return nil, err
	}
	var request struct {
		Events            []string `json:"events"`
		ConfigurationKeys []string `json:"configurationKeys"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, err //nolint:wrapcheck // sent to the extension as it is
	}
	if len(request.ConfigurationKeys) > 0 {
		return nil, errOldRegistration
	}
	return request.Events, nil
}

func acceptsAccount(h http.Header) bool {
	for feature := range strings.SplitSeq(h.Get("Lambda-Extension-Accept-Feature"), ",") {
		if strings.TrimSpace(feature) == "accountId" {
			return true
		}
	}
	return false
}

// serveEventNext is an extension's long poll.
func (s *Session) serveEventNext(w http.ResponseWriter, r *http.Request) {
	id, err := identifier(r.Header)
	if err != nil {
		writeRefusal(w, err)
		return
	}
	beginLongPoll(r)
	a, err := s.beginPoll(r.Context(), id)
	if err != nil {
		writeRefusal(w, err)
		return
	}
	defer s.endPoll(a)
	to, ev := s.awaitAgent(w, r, a)
	if ev == nil {
		panic(http.ErrAbortHandler) // there is nobody to answer
	}
	h := to.Header()
	h["Content-Type"] = []string{"text/plain; charset=utf-8"} // as AWS does with SHUTDOWN
	if ev.id != "" {
		h["Content-Type"] = []string{"application/json"}
		h["Lambda-Extension-Event-Identifier"] = []string{ev.id}
	}
	h["Content-Length"] = []string{strconv.Itoa(len(ev.body))}
	_, _ = to.Write(ev.body)
}

// serveFault is POST /extension/init/error and /extension/exit/error. Whatever
// the body says, nobody reads it.
func (s *Session) serveFault(w http.ResponseWriter, r *http.Request, to ExtensionState) {
	id, err := identifier(r.Header)
	if errorType := r.Header.Get(faultHeader); err == nil && errorType == "" {
		err = refusal("Extension.MissingHeader", "%s not found", faultHeader)
	} else if err == nil {
		err = s.failAgent(id, to, errorType[:min(len(errorType), maxFaultType)])
	}
	drain(r)
	if err != nil {
		writeRefusal(w, err)
		return
	}
	writeAccepted(w)
}

// serveSubscription is PUT /2022-07-01/telemetry and /2020-08-15/logs.
func (s *Session) serveSubscription(w http.ResponseWriter, r *http.Request, api string, to Subscriptions) {
	if to == nil {
		writeNotFound(w)
		return
	}
	if !allow(w, r, http.MethodPut) {
		return
	}
	id, err := identifier(r.Header)
	var name string
	if err == nil {
		name, err = s.subscriber(id, api)
	}
	if err != nil {
		drain(r)
		writeRefusal(w, err)
		return
	}
	body, err := readBody(r, MaxSubscription)
	if err != nil {
		drain(r)
		writeBodyError(w, err)
		return
	}
	status, reply := to.Subscribe(name, api, body)
	h := w.Header()
	h["Content-Type"] = []string{"application/json"}
	h["Content-Length"] = []string{strconv.Itoa(len(reply))}
	w.WriteHeader(status)
	_, _ = w.Write(reply)
}

// subscriber is the name of the extension that may subscribe to an API now.
func (s *Session) subscriber(id, api string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.findAgentLocked(id)
	switch {
	case a == nil:
		return "", refusal("Extension.UnknownExtensionIdentifier", "Unknown extension %s", id)
	case !s.initDone && !s.closed:
		return a.Name, nil
	case api == LogsAPI:
		return "", refusal("Logs.SubscriptionClosed", "Logs API subscription is closed already")
	default:
		return "", refusal("Telemetry.SubscriptionClosed", "Telemetry API subscription is closed already")
	}
}

// identifier reads the header that names an extension, in the form in which
// identifiers are given out.
func identifier(h http.Header) (string, error) {
	value := h.Get(identifierHeader)
	if value == "" {
		return "", refusal("Extension.MissingExtensionIdentifier", "Missing %s header", identifierHeader)
	}
	raw, err := hex.DecodeString(strings.ReplaceAll(strings.TrimPrefix(value, "urn:uuid:"), "-", ""))
	if err != nil || len(raw) != 16 {
		return "", refusal("Extension.InvalidExtensionIdentifier", "Invalid %s", identifierHeader)
	}
	return formatUUID([16]byte(raw)), nil
}

// newUUID names an extension or an event. It keeps nobody out: whoever can send
// it shares the sandbox.
func newUUID() string {
	var raw [16]byte
	for i, v := range [2]uint64{rand.Uint64(), rand.Uint64()} {
		for j := range 8 {
			raw[8*i+j] = byte(v >> (8 * j))
		}
	}
	raw[6], raw[8] = raw[6]&0x0f|0x40, raw[8]&0x3f|0x80
	return formatUUID(raw)
}

func formatUUID(raw [16]byte) string {
	var b [36]byte
	b[8], b[13], b[18], b[23] = '-', '-', '-', '-'
	hex.Encode(b[:8], raw[:4])
	hex.Encode(b[9:13], raw[4:6])
	hex.Encode(b[14:18], raw[6:8])
	hex.Encode(b[19:23], raw[8:10])
	hex.Encode(b[24:], raw[10:])
	return string(b[:])
}

// invokeBody is an INVOKE event.
func invokeBody(c *Call) []byte {
	type tracing struct {
		Type  string `json:"type"`
		Value string `json:"value"`
	}
	ev := struct {
		Type       string   `json:"eventType"`
		DeadlineMs int64    `json:"deadlineMs"`
		RequestID  string   `json:"requestId"`
		ARN        string   `json:"invokedFunctionArn"`
		Tracing    *tracing `json:"tracing,omitempty"`
	}{EventInvoke, c.deadline.UnixMilli(), c.inv.RequestID, c.inv.InvokedARN, nil}
	if c.inv.TraceID != "" {
		ev.Tracing = &tracing{"X-Amzn-Trace-Id", c.inv.TraceID}
	}
	return marshal(ev)
}

// shutdownBody is a SHUTDOWN event.
func shutdownBody(reason string, deadline time.Time) []byte {
	return marshal(struct {
		Type       string `json:"eventType"`
		DeadlineMs int64  `json:"deadlineMs"`
		Reason     string `json:"shutdownReason"`
	}{EventShutdown, deadline.UnixMilli(), reason})
}

// marshal is for values that always marshal.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		return []byte("{}")
	}
	return b
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(marshal(v), '\n'))
}

// writeRefusal answers a request that an extension may not make. Without a
// client there is no answer.
func writeRefusal(w http.ResponseWriter, err error) {
	refused, ok := errors.AsType[*extensionError](err)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	writeError(w, http.StatusForbidden, refused.errorType, refused.message)
}

// about is what extensions are told of their function.
type about struct {
	FunctionName    string `json:"functionName"`
	FunctionVersion string `json:"functionVersion"`
	Handler         string `json:"handler"`
	AccountID       string `json:"accountId,omitempty"`
}

// registration is the answer to a registration.
func (a about) registration(withAccount bool) about {
	if !withAccount {
		a.AccountID = ""
	}
	return a
}
