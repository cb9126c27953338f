package daemon

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/cmd/hearth/daemon/config"
	"github.com/hearthd/hearth/edge/durable"
	"github.com/hearthd/hearth/edge/eventconfig"
	"github.com/hearthd/hearth/edge/mappings"
	"github.com/hearthd/hearth/edge/scope"
	"github.com/hearthd/hearth/edge/settings"
	"github.com/hearthd/hearth/edge/signing"
	"github.com/hearthd/hearth/edge/urls"
	"github.com/hearthd/hearth/invoke/queue"
	"github.com/hearthd/hearth/store/records"
)

// settingsRecords are what functions are set to beside their configuration.
type settingsRecords struct {
	eventConfigs    records.ByFunction[hearth.EventInvokeConfig]
	urls            records.ByFunction[hearth.FunctionURL]
	runtimes        records.ByFunction[hearth.RuntimeManagement]
	recursions      records.ByFunction[hearth.Recursion]
	signingBindings records.ByFunction[hearth.CodeSigningBinding]
	signingConfigs  records.ByID[hearth.CodeSigningConfig]
	// Mappings stay when their function goes, as on AWS.
	mappings records.ByID[hearth.EventSourceMapping]
}

// newSettingsRecords adds them to a set that is not open yet.
func newSettingsRecords(set *records.Set) settingsRecords {
	return settingsRecords{
		eventConfigs:    records.NewByFunction[hearth.EventInvokeConfig](set, hearth.KindEventInvokeConfig),
		urls:            records.NewByFunction[hearth.FunctionURL](set, hearth.KindFunctionURL),
		runtimes:        records.NewByFunction[hearth.RuntimeManagement](set, hearth.KindRuntimeManagement),
		recursions:      records.NewByFunction[hearth.Recursion](set, hearth.KindRecursion),
		signingBindings: records.NewByFunction[hearth.CodeSigningBinding](set, hearth.KindCodeSigningBinding),
		signingConfigs:  records.NewByID[hearth.CodeSigningConfig](set, hearth.KindCodeSigningConfig),
		mappings:        records.NewByID[hearth.EventSourceMapping](set, hearth.KindEventSourceMapping),
	}
}

// settingsServices serve the operations on those records.
type settingsServices struct {
	eventConfigs *eventconfig.Service
	urls         *urls.Service
	settings     *settings.Service
	signing      *signing.Service
	mappings     *mappings.Service
}

func newSettingsServices(k settingsRecords, functions scope.Functions, cfg config.Config, logger *slog.Logger) settingsServices {
	defaults := scope.Defaults{Account: cfg.Account, Region: cfg.Region}
	return settingsServices{
		eventConfigs: eventconfig.New(eventconfig.Options{Configs: k.eventConfigs, Functions: functions, Scope: defaults}),
		urls:         urls.New(urls.Options{Configs: k.urls, Functions: functions, Scope: defaults, Host: urlHost(cfg.Listen)}),
		settings:     settings.New(settings.Options{Runtimes: k.runtimes, Recursions: k.recursions, Functions: functions, Scope: defaults}),
		signing: signing.New(signing.Options{
			Configs: k.signingConfigs, Bindings: k.signingBindings, Functions: functions, Scope: defaults, Logger: logger,
		}),
		mappings: mappings.New(mappings.Options{Mappings: k.mappings, Functions: functions, Scope: defaults}),
	}
}

// Register makes a router serve them.
func (s settingsServices) Register(r *api.Router) {
	s.eventConfigs.Register(r)
	s.urls.Register(r)
	s.settings.Register(r)
	s.signing.Register(r)
	s.mappings.Register(r)
	durable.Register(r)
}

// urlHost returns what function URLs end in: every name below localhost leads
// to this machine, while names below an IP address lead nowhere.
func urlHost(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "localhost"
	}
	if _, err := netip.ParseAddr(host); err == nil || host == "" {
		host = "localhost"
	}
	if port == "80" {
		return host
	}
	return net.JoinHostPort(host, port)
}

// eventConfig returns how events of a function are treated.
func (d *daemon) eventConfig(name hearth.Name, qualifier string) queue.Config {
	c := queue.Config{Retries: queue.DefaultRetries, Paused: d.keeper.Load().Paused(name)}
	if set := d.kept.eventConfigs.Lookup(name, cmp.Or(qualifier, hearth.Latest)); set != nil {
		c.MaxAge = time.Duration(api.Value(set.MaximumEventAge)) * time.Second
		if set.MaximumRetryAttempts != nil {
			c.Retries = *set.MaximumRetryAttempts
		}
		c.OnSuccess, c.OnFailure = set.OnSuccess, set.OnFailure
	}
	switch latest, err := d.catalog.Lookup(name, hearth.Latest); {
	case err == nil:
		c.FunctionID = latest.ID
	case !errors.Is(err, hearth.ErrNotFound):
		c.Unknown = true
	}
	version := cmp.Or(qualifier, hearth.Latest)
	if alias, err := d.catalog.LookupAlias(name, qualifier); err == nil {
		version = alias.Version
	}
	if fn, err := d.catalog.Lookup(name, version); err == nil {
		c.DeadLetter = fn.DeadLetterTarget
	}
	return c
}

// owner returns an error when there is no such function, or no such version or
// alias of it.
func (d *daemon) owner(name hearth.Name, qualifier string) (err error) {
	if hearth.IsAlias(qualifier) {
		_, err = d.catalog.LookupAlias(name, qualifier)
	} else {
		_, err = d.catalog.Lookup(name, qualifier)
	}
	return err
}

// loopsAllowed reports whether a function may invoke itself without end.
func (d *daemon) loopsAllowed(name hearth.Name) bool {
	set := d.kept.recursions.Lookup(name, "")
	return set != nil && set.Loop == hearth.RecursionAllow
}

// attached is the Attached of functions and of aliases on the record set.
type attached struct{ *records.Set }

func (a attached) DeleteAlias(ctx context.Context, name hearth.Name, alias string) error {
	return a.DeleteExcept(ctx, name, alias, hearth.KindFunctionURL)
}
