// Package auth decides who may call the API.
//
// With credentials, a Gate stands in the Router: a Verifier checks signatures
// (AWS's version 4) against Keys of the configuration and against Sessions, the
// temporary credentials of functions; then the Gate decides whether the
// principal may do what it asks for. It owns its account and what is in there,
// as far as its actions go; what belongs to others it may use when a
// resource-based policy (Policies) says so.
//
// Without credentials the daemon listens on loopback only, where every program
// of the machine may call it. Web pages are the exception: a browser runs
// strangers' code next to the daemon, so Local refuses what comes from one.
package auth

import (
	"net"
	"net/http"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// Local guards a server without credentials on a loopback address. It refuses
// requests that a browser sends on behalf of a page of another origin, and
// requests for host names that may have been pointed here to look like the
// same origin (DNS rebinding): the Host must be an IP address, localhost, or
// below it.
func Local(next http.Handler) http.Handler {
	cross := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := cross.Check(r); err != nil {
			deny(w, r, "Requests from web pages of other origins are refused.")
			return
		}
		if !localHost(r.Host) {
			deny(w, r, "The host name "+r.Host+" is not local. Use 127.0.0.1 or localhost.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func deny(w http.ResponseWriter, r *http.Request, message string) {
	api.WriteError(w, api.RequestID(r.Context()), hearth.Errorf(hearth.ErrDenied, "%s", message))
}

func localHost(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	return net.ParseIP(host) != nil || host == "localhost" || strings.HasSuffix(host, ".localhost")
}
