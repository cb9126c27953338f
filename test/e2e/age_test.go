package e2e_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

func TestAuth_EnvironmentGoesBeforeItsCredentials(t *testing.T) {
	t.Parallel()
	d := startAuth(t, "--clock", "test", "--idle-timeout", "1000h")
	owner := d.as(ownerKey, ownerSecret, "")
	name := d.createAs(t, owner, "000000000000")
	advance := func(by string) {
		t.Helper()
		if p := hearthAs(t, d, ownerKey, ownerSecret, "clock", "advance", by); p.code != 0 {
			t.Fatalf("exit code %d: %s", p.code, p.stderr)
		}
	}
	var sessions []*lambda.Client
	for range 8 { // a session stays good until the environment of the next is there
		sessions = append(sessions, d.session(t, owner, name))
		if _, err := sessions[len(sessions)-1].Invoke(ctxFor(t), &lambda.InvokeInput{FunctionName: &name}); err != nil {
			t.Fatalf("session %d: %v", len(sessions), err)
		}
		advance("3h")
	}
	_, err := sessions[0].Invoke(ctxFor(t), &lambda.InvokeInput{FunctionName: &name})
	if err == nil || !strings.Contains(err.Error(), "ExpiredTokenException") {
		t.Errorf("the first of %d sessions after a day: %v", len(sessions), err)
	}
}

func TestProvisionedConcurrency_AfterADay_IsThere(t *testing.T) {
	t.Parallel()
	d := startDaemon(t, "--clock", "test")
	fn := d.create(t, newest(t, "python"), "app.handler", initialized)
	fn.publish(t)
	fn.provision(t, "1", 1)
	fn.awaitProvisioned(t, "1")
	first := fn.start(t, "1")
	if p := hearth(t, nil, "clock", "advance", "24h", "--endpoint", d.endpoint); p.code != 0 {
		t.Fatalf("exit code %d: %s", p.code, p.stderr)
	}
	if next := fn.start(t, "1"); next.ID == first.ID || next.Type != "provisioned-concurrency" {
		t.Errorf("ran on %+v, a day later on %+v", first, next)
	}
}
