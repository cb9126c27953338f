package exit_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/hearthd/hearth/api/client"
	"github.com/hearthd/hearth/cmd/hearth/exit"
)

// runVerb runs `hearth verb ARGS`, and returns the exit code and standard error.
func runVerb(ctx context.Context, verb func(context.Context) error, args ...string) (int, string) {
	var stderr bytes.Buffer
	root := &cobra.Command{Use: "hearth"}
	root.AddCommand(&cobra.Command{Use: "verb", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error { return verb(cmd.Context()) }})
	root.SetArgs(append([]string{"verb"}, args...))
	root.SetOut(&stderr)
	root.SetErr(&stderr)
	return exit.Run(ctx, root, &stderr), stderr.String()
}

func TestRun_Success(t *testing.T) {
	if code, stderr := runVerb(t.Context(), func(context.Context) error { return nil }); code != exit.OK || stderr != "" {
		t.Errorf("exit code %d, stderr %q; want 0 and nothing", code, stderr)
	}
}

func TestRun_Error(t *testing.T) {
	code, stderr := runVerb(t.Context(), func(context.Context) error { return errors.New("disk full") })
	if code != exit.Internal || stderr != "hearth: disk full\n" {
		t.Errorf("exit code %d, stderr %q; want %d and the error once", code, stderr, exit.Internal)
	}
}

func TestRun_UsageErrors(t *testing.T) {
	ok := func(context.Context) error { return nil }
	for name, test := range map[string]struct {
		verb func(context.Context) error
		args []string
		want string
	}{
		"of the verb": {func(context.Context) error { return exit.Usagef("not %s", "both") }, nil, "not both"},
		"a flag":      {ok, []string{"--nope"}, "unknown flag: --nope"},
		"an argument": {ok, []string{"x"}, `unknown command "x" for "hearth verb"`},
	} {
		code, stderr := runVerb(t.Context(), test.verb, test.args...)
		if want := "hearth: " + test.want + "\nSee: hearth verb --help\n"; code != exit.Usage || stderr != want {
			t.Errorf("%s: exit code %d, stderr %q; want %d and %q", name, code, stderr, exit.Usage, want)
		}
	}
}

func TestRun_Interrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	code, stderr := runVerb(ctx, func(ctx context.Context) error {
		cancel()
		return ctx.Err()
	})
	if code != exit.Interrupted || stderr != "" {
		t.Errorf("exit code %d, stderr %q; want %d and nothing", code, stderr, exit.Interrupted)
	}
}

func TestRun_HintsAtCredentials(t *testing.T) {
	for code, want := range map[string]string{
		"MissingAuthenticationTokenException": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
		"UnrecognizedClientException":         "AWS_ACCESS_KEY_ID is no access key of this daemon's list",
		"InvalidSignatureException":           "AWS_SECRET_ACCESS_KEY is not the one that belongs to AWS_ACCESS_KEY_ID",
	} {
		got, stderr := runVerb(t.Context(), func(context.Context) error { return &client.Error{Code: code, StatusCode: 403} })
		if got != exit.Denied || !strings.Contains(stderr, want) {
			t.Errorf("%s: exit code %d, stderr %q; want %d and %q", code, got, stderr, exit.Denied, want)
		}
	}
}
