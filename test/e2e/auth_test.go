package e2e_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// The keys of daemons of these tests.
const (
	ownerKey, ownerSecret = "AKIAOWNER", "owners-secret-0123456789"
	otherKey, otherSecret = "AKIAOTHER", "others-secret-0123456789"
)

// startAuth starts a daemon that asks for signatures.
func startAuth(t *testing.T, flags ...string) *daemon {
	t.Helper()
	file := filepath.Join(t.TempDir(), "credentials.yaml")
	keys := `access-keys:
  - {access-key-id: ` + ownerKey + `, secret-access-key: ` + ownerSecret + `, account: "000000000000"}
  - {access-key-id: ` + otherKey + `, secret-access-key: ` + otherSecret + `, account: "444455556666", principal: user/other}
`
	if err := os.WriteFile(file, []byte(keys), 0o600); err != nil {
		t.Fatal(err)
	}
	return startDaemon(t, append(flags, "--auth", "--credentials", file)...)
}

// as is the AWS SDK with credentials.
func (d *daemon) as(key, secret, token string) *lambda.Client {
	return lambda.New(lambda.Options{
		Region: "us-east-1", BaseEndpoint: &d.endpoint, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(key, secret, token),
	})
}

// showsCredentials is a function that returns its own credentials.
const showsCredentials = `import os
def handler(event, context):
    print("called")
    return {k: os.environ["AWS_" + k] for k in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")}
`

// createAs creates a function that shows its credentials, and waits for it.
func (d *daemon) createAs(t *testing.T, owner *lambda.Client, account string) (name string) {
	t.Helper()
	in := createInput(testName(t), newest(t, "python"), "app.handler", files{"app.py": showsCredentials}.zip(t))
	in.Role = aws.String("arn:aws:iam::" + account + ":role/service/worker")
	in.Environment.Variables[markerVariable] = d.dir
	if _, err := owner.CreateFunction(ctxFor(t), in); err != nil {
		t.Fatal(err)
	}
	waiter := lambda.NewFunctionActiveV2Waiter(owner, func(o *lambda.FunctionActiveV2WaiterOptions) {
		o.MinDelay, o.MaxDelay = 10*time.Millisecond, 100*time.Millisecond
	})
	if err := waiter.Wait(ctxFor(t), &lambda.GetFunctionInput{FunctionName: in.FunctionName}, patience); err != nil {
		t.Fatal(err)
	}
	return *in.FunctionName
}

// session invokes a function that shows its credentials and returns a client
// that has them.
func (d *daemon) session(t *testing.T, client *lambda.Client, name string) *lambda.Client {
	t.Helper()
	out, err := client.Invoke(ctxFor(t), &lambda.InvokeInput{FunctionName: &name})
	if err != nil {
		t.Fatal(err)
	}
	var own map[string]string
	if err := json.Unmarshal(out.Payload, &own); err != nil || out.FunctionError != nil {
		t.Fatalf("%s: %v", out.Payload, err)
	}
	return d.as(own["ACCESS_KEY_ID"], own["SECRET_ACCESS_KEY"], own["SESSION_TOKEN"])
}

func TestAuth_FunctionsInvokeAsTheirRole(t *testing.T) {
	t.Parallel()
	d := startAuth(t)
	owner, ctx := d.as(ownerKey, ownerSecret, ""), ctxFor(t)
	name := d.createAs(t, owner, "000000000000")
	self := d.session(t, owner, name)
	d.session(t, self, name) // a function invokes a function, which has credentials too

	const me = "arn:aws:sts::000000000000:assumed-role/worker/"
	_, err := self.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name})
	if err == nil || !strings.Contains(err.Error(), "AccessDeniedException: User: "+me+name+" is not authorized to perform: lambda:GetFunctionConfiguration") {
		t.Errorf("GetFunctionConfiguration: %v", err)
	}
	if _, err := owner.AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: &name, StatementId: aws.String("worker"), Action: aws.String("lambda:GetFunctionConfiguration"),
		Principal: aws.String("arn:aws:iam::000000000000:role/service/worker"),
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := self.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &name}); err != nil {
		t.Errorf("GetFunctionConfiguration, permitted: %v", err)
	}
}

func TestAuth_PresignedInvocationAndCodeLink(t *testing.T) {
	t.Parallel()
	d := startAuth(t)
	owner, ctx := d.as(ownerKey, ownerSecret, ""), ctxFor(t)
	name := d.createAs(t, owner, "000000000000")
	r, err := http.NewRequestWithContext(ctx, "POST", d.endpoint+"/2015-03-31/functions/"+name+"/invocations?X-Amz-Expires=60", nil)
	if err != nil {
		t.Fatal(err)
	}
	const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	url, _, err := v4.NewSigner().PresignHTTP(ctx, aws.Credentials{AccessKeyID: ownerKey, SecretAccessKey: ownerSecret}, r, emptyHash, "lambda", "us-east-1", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if status, body := fetch(t, "POST", url); status != 200 || !strings.Contains(body, "SESSION_TOKEN") {
		t.Errorf("presigned: %d %s", status, body)
	}
	if status, body := fetch(t, "POST", strings.Replace(url, name, name+"x", 1)); status != 403 {
		t.Errorf("presigned for another function: %d %s", status, body)
	}
	fn, err := owner.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &name})
	if err != nil {
		t.Fatal(err)
	}
	if status, body := fetch(t, "GET", *fn.Code.Location); status != 200 || !strings.HasPrefix(body, "PK") {
		t.Errorf("code link: %d %.100s", status, body)
	}
}

func fetch(t *testing.T, method, url string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctxFor(t), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestAuth_OwnPaths(t *testing.T) {
	t.Parallel()
	d := startAuth(t)
	for path, want := range map[string]int{"health": 200, "logs?function=f": 403, "clock": 403, "events": 403, "traces": 403, "code/x": 403, "nothing": 403} {
		if status, body := fetch(t, "GET", d.endpoint+"/_hearth/"+path); status != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

// hearthAs runs a command line with the credentials of the environment.
func hearthAs(t *testing.T, d *daemon, key, secret string, args ...string) finished {
	t.Helper()
	cmd := exec.CommandContext(ctxFor(t), hearthBinary, args...)
	cmd.Env = []string{"HEARTH_ENDPOINT=" + d.endpoint, "AWS_ACCESS_KEY_ID=" + key, "AWS_SECRET_ACCESS_KEY=" + secret, "HOME=" + t.TempDir()}
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // the exit code tells
	return finished{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

func TestAuth_CommandLineSigns(t *testing.T) {
	t.Parallel()
	d := startAuth(t)
	name := d.createAs(t, d.as(ownerKey, ownerSecret, ""), "000000000000")
	if p := hearthAs(t, d, ownerKey, ownerSecret, "functions"); p.code != 0 || !strings.Contains(p.stdout, name) {
		t.Errorf("functions: %+v", p)
	}
	if p := hearthAs(t, d, ownerKey, ownerSecret, "invoke", name); p.code != 0 || !strings.Contains(p.stdout, "SESSION_TOKEN") {
		t.Errorf("invoke: %+v", p)
	}
	if p := hearthAs(t, d, ownerKey, ownerSecret, "logs", name); p.code != 0 || !strings.Contains(p.stdout, "called") {
		t.Errorf("logs: %+v", p)
	}
	if p := hearthAs(t, d, otherKey, otherSecret, "logs", "arn:aws:lambda:us-east-1:000000000000:function:"+name); p.code == 0 || !strings.Contains(p.stderr, "hearth:logs") {
		t.Errorf("logs, of another account: %+v", p)
	}
	for _, verb := range []string{"functions", "logs"} {
		args := []string{verb, name}[:map[string]int{"functions": 1, "logs": 2}[verb]]
		if p := hearthAs(t, d, "", "", args...); p.code == 0 || !strings.Contains(p.stderr, "Missing Authentication Token") {
			t.Errorf("%s without credentials: %+v", verb, p)
		}
	}
}

func TestAuth_StockCommandLine(t *testing.T) {
	t.Parallel()
	d := startAuth(t)
	name := d.createAs(t, d.as(ownerKey, ownerSecret, ""), "000000000000")
	run := func(secret string) (string, error) {
		cmd := exec.CommandContext(ctxFor(t), tool(t, "aws"), "lambda", "get-function-configuration",
			"--function-name", "arn:aws:lambda:us-east-1:000000000000:function:"+name)
		cmd.Env = append(d.awsEnv(), "AWS_ACCESS_KEY_ID="+ownerKey, "AWS_SECRET_ACCESS_KEY="+secret)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run(ownerSecret); err != nil || !strings.Contains(out, name) {
		t.Errorf("%v: %s", err, out)
	}
	if out, err := run(ownerSecret + "x"); err == nil || !strings.Contains(out, "InvalidSignatureException") {
		t.Errorf("with a wrong secret: %s", out)
	}
}

func TestServe_BeyondLoopback_WantsAuth(t *testing.T) {
	t.Parallel()
	p := hearth(t, nil, "serve", "--listen", "0.0.0.0:0", "--data-dir", t.TempDir())
	if p.code == 0 || !strings.Contains(p.stderr, "--auth") {
		t.Errorf("without --auth: %+v", p)
	}
	d := startAuth(t, "--listen", "0.0.0.0:0")
	if status, _ := fetch(t, "GET", strings.Replace(d.endpoint, "[::]", "127.0.0.1", 1)+"/2015-03-31/functions"); status != 403 {
		t.Errorf("not signed: %d", status)
	}
}

func TestServe_CredentialsThatOthersCanRead_AreRefused(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "credentials.yaml")
	if err := os.WriteFile(file, []byte("access-keys: []"), 0o644); err != nil { //nolint:gosec // on purpose
		t.Fatal(err)
	}
	p := hearth(t, nil, "serve", "--auth", "--credentials", file, "--listen", "127.0.0.1:0", "--data-dir", t.TempDir())
	if p.code == 0 || !strings.Contains(p.stderr, "chmod 600") {
		t.Errorf("%+v", p)
	}
}

func TestAuth_DestinationsAreHeldToPolicies(t *testing.T) {
	t.Parallel()
	d := startAuth(t)
	owner, other, ctx := d.as(ownerKey, ownerSecret, ""), d.as(otherKey, otherSecret, ""), ctxFor(t)
	name := d.createAs(t, owner, "000000000000")
	d.createAs(t, other, "444455556666") // a function of the same name, of another account
	target := "arn:aws:lambda:us-east-1:000000000000:function:" + name
	if _, err := other.PutFunctionEventInvokeConfig(ctx, &lambda.PutFunctionEventInvokeConfigInput{
		FunctionName: &name, DestinationConfig: &types.DestinationConfig{OnSuccess: &types.OnSuccess{Destination: &target}},
	}); err != nil {
		t.Fatal(err)
	}
	invoke := func() {
		if _, err := other.Invoke(ctx, &lambda.InvokeInput{FunctionName: &name, InvocationType: types.InvocationTypeEvent}); err != nil {
			t.Fatal(err)
		}
	}
	invoke()
	eventually(t, "the destination to be refused", func() bool { return strings.Contains(d.log(), "a destination is not told") })
	if _, err := owner.AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: &name, StatementId: aws.String("other"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("444455556666"),
	}); err != nil {
		t.Fatal(err)
	}
	if p := hearthAs(t, d, ownerKey, ownerSecret, "logs", name); strings.Contains(p.stdout, "called") {
		t.Errorf("the destination was told: %+v", p)
	}
	invoke()
	eventually(t, "the permitted destination to be told", func() bool {
		return strings.Contains(hearthAs(t, d, ownerKey, ownerSecret, "logs", name).stdout, "called")
	})
}
