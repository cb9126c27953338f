package auth

import (
	"net/http"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/own"
	"github.com/hearthd/hearth/edge/scope"
)

// Clock tells the time.
type Clock interface {
	Now() time.Time
}

// Options of an Access. All are required but FunctionActions and EnvironmentAge, and,
// without Enabled, Keys and Clock.
type Options struct {
	Enabled         bool
	Keys            []Key         // ids must differ
	FunctionActions []string      // what functions may do, besides what policies allow them
	EnvironmentAge  time.Duration // how long an environment lives; 0: without bound
	Clock           Clock         // of the credentials of environments
	Policies        Policies
	Scope           scope.Defaults
}

// Access is who may call a daemon, and as whom its functions do: everybody on this
// machine when it is not enabled, and those with a key and a right to otherwise. A nil
// Access is not enabled. Its methods may be called from several goroutines.
type Access struct {
	actions  []string
	sessions *Sessions
	gate     *Gate // nil: not enabled
	inside   *Gate // of functions, where it is not enabled
}

// lastEvent is how much longer than an environment lives its credentials are
// good for: it has an init phase before, and may take an event at its end. Both
// together take 105 minutes at most.
const lastEvent = 2 * time.Hour

// forever is longer than any process lives, and a time.Duration.
const forever = 100 * 365 * 24 * time.Hour

// sessionLife is how long the credentials of an environment are good for.
func sessionLife(environmentAge time.Duration) time.Duration {
	if environmentAge == 0 {
		return forever
	}
	return environmentAge + lastEvent
}

// Open returns an Access. Its error is about the keys.
func Open(opts Options) (*Access, error) {
	if !opts.Enabled {
		return &Access{actions: opts.FunctionActions, inside: NewGate(nil, opts.Policies, opts.Scope)}, nil
	}
	sessions := NewSessions(sessionLife(opts.EnvironmentAge), opts.Clock.Now)
	verifier, err := NewVerifier(opts.Keys, sessions)
	if err != nil {
		return nil, err
	}
	return &Access{actions: opts.FunctionActions, sessions: sessions, gate: NewGate(verifier.Regional(opts.Scope.Region), opts.Policies, opts.Scope)}, nil
}

// Enabled reports whether requests are held to signatures.
func (a *Access) Enabled() bool { return a != nil && a.gate != nil }

// Authorizer is the Router's; nil when everybody may call.
func (a *Access) Authorizer() api.Authorizer {
	if !a.Enabled() {
		return nil // not a nil *Gate in the interface
	}
	return a.gate
}

// Guard puts a handler of hearth's own paths behind the gate, but for reading those
// that are open. An open path that ends in a slash is all paths below it.
func (a *Access) Guard(handler http.Handler, open ...string) http.Handler {
	if !a.Enabled() {
		return handler // all of the server is behind Local
	}
	mux := http.NewServeMux()
	mux.Handle("/", a.gate.Own(handler))
	for _, path := range open {
		mux.Handle("GET "+path, handler)
	}
	return mux
}

// Outermost is what every request passes first.
func (a *Access) Outermost(next http.Handler) http.Handler {
	if !a.Enabled() {
		return Local(next)
	}
	return next // a browser has no key to sign with, whatever page it shows
}

// Credentials returns the AWS_... variables of a new environment of a function, with
// which it acts as the function's role; nil when there is nobody to show them to.
func (a *Access) Credentials(fn *hearth.Function) map[string]string {
	if !a.Enabled() {
		return nil
	}
	c := a.sessions.Issue(FunctionSession(fn, a.actions))
	return map[string]string{
		"AWS_ACCESS_KEY_ID": c.AccessKeyID, "AWS_SECRET_ACCESS_KEY": c.SecretAccessKey, "AWS_SESSION_TOKEN": c.SessionToken,
	}
}

// MayInvoke returns an error when a function's role may not invoke the function,
// version or alias of an ARN.
func (a *Access) MayInvoke(fn *hearth.Function, target string) error {
	if !a.Enabled() {
		return nil
	}
	return a.gate.Allow(FunctionSession(fn, a.actions), "lambda:InvokeFunction", target)
}

// Report makes it an own.Part.
func (a *Access) Report(r *own.Report) { r.Set("auth", a.Enabled()) }
