package remote_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/cmd/hearth/remote/deploy"
	"github.com/hearthd/hearth/cmd/hearth/remote/observe"
	"github.com/hearthd/hearth/cmd/hearth/remote/remotetest"
)

func TestDaemon_NoDaemon(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close() // its port is free now
	want := remotetest.Outcome{Code: exit.Unreachable, Stderr: "hearth: list functions: no hearth daemon at " + server.URL + "; start one with: hearth serve\n"}
	got := remotetest.RunIn(t, map[string]string{"AWS_ENDPOINT_URL": server.URL}, "", deploy.NewFunctionsCommand, "functions")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
}

func TestDaemon_EndpointPrecedence(t *testing.T) {
	d := remotetest.NewDaemon(t)
	d.Answers["GET /_hearth/health"] = remotetest.Success(`{"status":"ok","version":"v9"}`)
	const dead = "http://127.0.0.1:1"
	tests := []struct {
		name string
		env  map[string]string
		args []string
	}{
		{"flag", map[string]string{"HEARTH_ENDPOINT": dead}, []string{"--endpoint", d.URL}},
		{"hearth's", map[string]string{"HEARTH_ENDPOINT": d.URL, "AWS_ENDPOINT_URL_LAMBDA": dead, "AWS_ENDPOINT_URL": dead}, nil},
		{"Lambda's", map[string]string{"AWS_ENDPOINT_URL_LAMBDA": d.URL, "AWS_ENDPOINT_URL": dead}, nil},
		{"AWS's", map[string]string{"AWS_ENDPOINT_URL": d.URL}, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := remotetest.RunIn(t, test.env, "", observe.NewStatusCommand, append(test.args, "status")...)
			if want := "hearth v9 at " + d.URL + ": ok\n"; got.Stdout != want {
				t.Errorf("stdout = %q, want %q; stderr %q", got.Stdout, want, got.Stderr)
			}
		})
	}
}

func TestDaemon_EndpointOfNoForm(t *testing.T) {
	got := remotetest.RunIn(t, nil, "", observe.NewStatusCommand, "status", "--endpoint", "localhost:1")
	if got.Code != exit.Usage || !strings.Contains(got.Stderr, "is not a URL such as") {
		t.Errorf("outcome = %+v, want code %d and what an endpoint is", got, exit.Usage)
	}
}
