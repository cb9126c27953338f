package queue_test

import (
	stdcmp "cmp"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/invoke/destination"
	"github.com/hearthd/hearth/invoke/queue"
)

// house is what the control plane has stored, of one function "f".
type house struct {
	versions map[string]*hearth.Function
	aliases  map[string]*hearth.Alias
	configs  map[string]*hearth.EventInvokeConfig
	reserved *hearth.ReservedConcurrency
	refused  map[string]error // by target
	lost     error            // of functions that are not in versions
}

func (h *house) Lookup(_ hearth.Name, version string) (*hearth.Function, error) {
	if f := h.versions[version]; f != nil {
		return f, nil
	}
	return nil, stdcmp.Or(h.lost, hearth.ErrNotFound)
}

func (h *house) LookupAlias(_ hearth.Name, alias string) (*hearth.Alias, error) {
	if a := h.aliases[alias]; a != nil {
		return a, nil
	}
	return nil, hearth.ErrNotFound
}

func (h *house) MayInvoke(_ *hearth.Function, target string) error { return h.refused[target] }

type configsOf struct{ *house }

func (c configsOf) Lookup(_ hearth.Name, qualifier string) *hearth.EventInvokeConfig {
	return c.configs[qualifier]
}

type reservedOf struct{ *house }

func (r reservedOf) Lookup(_ hearth.Name, qualifier string) *hearth.ReservedConcurrency {
	if qualifier != "" {
		return nil
	}
	return r.reserved
}

func (h *house) configured() *queue.Configured {
	return &queue.Configured{
		Functions: h, EventInvokeConfigs: configsOf{h}, Reserved: reservedOf{h}, Permissions: h, Logger: slog.New(slog.DiscardHandler),
	}
}

func furnished() *house {
	retries, age := 1, 300
	return &house{
		versions: map[string]*hearth.Function{
			hearth.Latest: {ID: "first", DeadLetterTarget: arn("dead")}, "1": {ID: "first", DeadLetterTarget: arn("old")},
		},
		aliases: map[string]*hearth.Alias{"live": {Name: "live", Version: "1", Additional: hearth.Latest}},
		configs: map[string]*hearth.EventInvokeConfig{
			"live": {MaximumRetryAttempts: &retries, MaximumEventAge: &age, OnSuccess: arn("told"), OnFailure: "arn:aws:sqs:eu-west-1:123456789012:q"},
		},
		refused: map[string]error{},
	}
}

func wantConfig(t *testing.T, h *house, qualifier string, want queue.Config) {
	t.Helper()
	if diff := cmp.Diff(want, h.configured().Config(fn("f"), qualifier)); diff != "" {
		t.Errorf("config of %q (-want +got):\n%s", qualifier, diff)
	}
}

func TestConfigured_NothingSetIsAWSsDefaults(t *testing.T) {
	wantConfig(t, furnished(), "", queue.Config{FunctionID: "first", Retries: 2, Rules: destination.Rules{DeadLetter: arn("dead")}})
}

func TestConfigured_IsThatOfExactlyTheQualifier(t *testing.T) {
	wantConfig(t, furnished(), "live", queue.Config{
		FunctionID: "first", Retries: 1, MaxAge: 5 * time.Minute,
		Rules: destination.Rules{OnSuccess: arn("told"), OnFailure: "arn:aws:sqs:eu-west-1:123456789012:q", DeadLetter: arn("old")},
	})
	wantConfig(t, furnished(), "1", queue.Config{FunctionID: "first", Retries: 2, Rules: destination.Rules{DeadLetter: arn("old")}})
}

func TestConfigured_NoConcurrencyPauses(t *testing.T) {
	h := furnished()
	h.reserved = &hearth.ReservedConcurrency{Executions: 1}
	if h.configured().Config(fn("f"), "").Paused {
		t.Error("paused with a concurrency of 1")
	}
	h.reserved.Executions = 0
	if !h.configured().Config(fn("f"), "").Paused {
		t.Error("not paused with a concurrency of 0")
	}
}

func TestConfigured_FunctionThatIsGoneTellsNobody(t *testing.T) {
	h := furnished()
	h.versions = nil
	wantConfig(t, h, "live", queue.Config{Retries: 1, MaxAge: 5 * time.Minute})
}

func TestConfigured_FunctionThatCannotBeReadIsNotGone(t *testing.T) {
	h := furnished()
	h.versions, h.lost = nil, hearth.ErrConflict
	wantConfig(t, h, "", queue.Config{Retries: 2, Unknown: true})
}

func TestConfigured_FunctionThatMayNotBeInvokedIsNotTold(t *testing.T) {
	h := furnished()
	for _, target := range []string{arn("told"), arn("old"), "arn:aws:sqs:eu-west-1:123456789012:q"} {
		h.refused[target] = errors.New("no policy allows it")
	}
	wantConfig(t, h, "live", queue.Config{
		FunctionID: "first", Retries: 1, MaxAge: 5 * time.Minute,
		Rules: destination.Rules{OnFailure: "arn:aws:sqs:eu-west-1:123456789012:q"}, // a queue's policy is its own
	})
}
