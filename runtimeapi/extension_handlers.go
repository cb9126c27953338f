package runtimeapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/hearthd/hearth/runtimeapi/extension"
	"github.com/hearthd/hearth/runtimeapi/longpoll"
)

const (
	extensionPrefix = "/2020-01-01/extension/"
	faultHeader     = "Lambda-Extension-Function-Error-Type"
)

// Bounds on what an extension may say of itself.
const (
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
			s.serveFault(w, r, extension.InitError)
		}
	case "exit/error":
		if allow(w, r, http.MethodPost) {
			s.serveFault(w, r, extension.ExitError)
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
		err = extension.Refuse("Extension.InvalidExtensionName", "Empty extension name")
	case len(name) > maxExtensionName:
		err = extension.Refuse("Extension.InvalidExtensionName", "Extension name is longer than %d bytes", maxExtensionName)
	case err != nil:
		err = extension.Refuse("InvalidRequestFormat", "%s", err.Error())
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
	w.Header().Set(extension.IdentifierHeader, id)
	writeJSON(w, about.registration(acceptsAccount(r.Header)))
}

func readRegistration(r *http.Request) ([]string, error) {
	body, err := readBody(r, extension.MaxRegistration)
	if err != nil {
		return nil, err
	}
	return extension.ParseRegistration(body) //nolint:wrapcheck // sent to the extension as it is
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
	id, err := extension.ParseIdentifier(r.Header.Get(extension.IdentifierHeader))
	if err != nil {
		writeRefusal(w, err)
		return
	}
	longpoll.Begin(r)
	a, err := s.beginPoll(r.Context(), id)
	if err != nil {
		writeRefusal(w, err)
		return
	}
	defer s.endPoll(a)
	to, ev, ok := longpoll.Await(w, r, a.Queue(), s.ended, func(ev *extension.Event, gone bool) bool {
		return s.deliverTo(a, ev, gone)
	})
	if !ok {
		panic(http.ErrAbortHandler) // there is nobody to answer
	}
	h := to.Header()
	h["Content-Type"] = []string{"text/plain; charset=utf-8"} // as AWS does with SHUTDOWN
	if ev.ID != "" {
		h["Content-Type"] = []string{"application/json"}
		h["Lambda-Extension-Event-Identifier"] = []string{ev.ID}
	}
	h["Content-Length"] = []string{strconv.Itoa(len(ev.Body))}
	_, _ = to.Write(ev.Body)
}

// serveFault is POST /extension/init/error and /extension/exit/error. Whatever
// the body says, nobody reads it.
func (s *Session) serveFault(w http.ResponseWriter, r *http.Request, to extension.State) {
	id, err := extension.ParseIdentifier(r.Header.Get(extension.IdentifierHeader))
	if errorType := r.Header.Get(faultHeader); err == nil && errorType == "" {
		err = extension.Refuse("Extension.MissingHeader", "%s not found", faultHeader)
	} else if err == nil {
		err = s.failExtension(id, to, errorType[:min(len(errorType), maxFaultType)])
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
	id, err := extension.ParseIdentifier(r.Header.Get(extension.IdentifierHeader))
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

func writeJSON(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(body, '\n'))
}

// writeRefusal answers a request that an extension may not make. Without a
// client there is no answer.
func writeRefusal(w http.ResponseWriter, err error) {
	refused, ok := errors.AsType[*extension.Refusal](err)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	writeError(w, http.StatusForbidden, refused.Type, refused.Message)
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
