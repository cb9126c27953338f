package queue

import (
	"cmp"
	"errors"
	"log/slog"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/destination"
)

// Config is how the events of a function are treated.
type Config struct {
	// FunctionID is the ID of the function that has the name now; see
	// hearth.Function. Events of another end without being run.
	FunctionID string
	// Unknown says that there is a function of which FunctionID is not known: what
	// is stored of it cannot be read. Its events are not another's, and wait.
	Unknown bool
	MaxAge  time.Duration // 0: DefaultMaxAge
	Retries int           // after the first attempt, 0-2
	// Paused says that the function's reserved concurrency is zero: its events
	// go to their destination without being run.
	Paused bool
	destination.Rules
}

// Defaults of a Config, AWS's.
const (
	DefaultMaxAge  = 6 * time.Hour
	DefaultRetries = 2
)

// Configs says how the events of functions are treated.
type Configs interface {
	// Config returns the Config of events that were sent to a function under a
	// qualifier, which may be empty. FunctionID is empty when there is no such
	// function. It must not wait.
	Config(name hearth.Name, qualifier string) Config
}

// defaults are Configs of functions that configure nothing.
type defaults struct{}

func (defaults) Config(hearth.Name, string) Config { return Config{Retries: DefaultRetries} }

// Functions finds functions; see store/catalog for the contract.
type Functions interface {
	Lookup(name hearth.Name, version string) (*hearth.Function, error)
	LookupAlias(name hearth.Name, alias string) (*hearth.Alias, error)
}

// EventInvokeConfigs finds what is configured for the events of exactly one
// qualifier; nil when nothing is.
type EventInvokeConfigs interface {
	Lookup(name hearth.Name, qualifier string) *hearth.EventInvokeConfig
}

// ReservedConcurrencies finds what functions reserve, with an empty qualifier; nil
// when that is nothing.
type ReservedConcurrencies interface {
	Lookup(name hearth.Name, qualifier string) *hearth.ReservedConcurrency
}

// Configured is the Configs that the control plane has stored. The look-ups must
// not wait.
type Configured struct {
	Functions          Functions
	EventInvokeConfigs EventInvokeConfigs
	Reserved           ReservedConcurrencies
	// Permissions says whom a function may tell. Nil: whomever it names.
	Permissions destination.Permissions
	Logger      *slog.Logger
}

// Config makes it Configs.
func (s *Configured) Config(name hearth.Name, qualifier string) Config {
	c := Config{Retries: DefaultRetries, Paused: s.paused(name)}
	if set := s.EventInvokeConfigs.Lookup(name, cmp.Or(qualifier, hearth.Latest)); set != nil {
		if set.MaximumEventAge != nil {
			c.MaxAge = time.Duration(*set.MaximumEventAge) * time.Second
		}
		if set.MaximumRetryAttempts != nil {
			c.Retries = *set.MaximumRetryAttempts
		}
		c.OnSuccess, c.OnFailure = set.OnSuccess, set.OnFailure
	}
	c.DeadLetter = s.deadLetter(name, qualifier)
	latest, err := s.Functions.Lookup(name, hearth.Latest)
	if err != nil {
		c.Unknown = !errors.Is(err, hearth.ErrNotFound)
		c.Rules = destination.Rules{} // a function that is gone tells nobody
		return c
	}
	c.FunctionID = latest.ID
	if s.Permissions != nil {
		c.Rules = c.Rules.Permitted(latest, s.Permissions, s.Logger)
	}
	return c
}

// paused reports whether nothing of a function can run.
func (s *Configured) paused(name hearth.Name) bool {
	reserved := s.Reserved.Lookup(name, "")
	return reserved != nil && reserved.Executions == 0
}

// deadLetter is the dead-letter target of the version that a qualifier names; an
// alias with two versions has the target of the first.
func (s *Configured) deadLetter(name hearth.Name, qualifier string) string {
	version := cmp.Or(qualifier, hearth.Latest)
	if alias, err := s.Functions.LookupAlias(name, qualifier); err == nil {
		version = alias.Version
	}
	fn, err := s.Functions.Lookup(name, version)
	if err != nil {
		return ""
	}
	return fn.DeadLetterTarget
}
