package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"
)

// identity is how a function's code sees which version it is, and how it was
// called.
type identity struct{ Word, Version, Env, ARN, ID string }

// identified is code that says so, with a word of its own.
func identified(word string) files {
	return files{"app.py": `import os, random
ID = "%032x" % random.SystemRandom().getrandbits(128)
def handler(event, context):
    return {"Word": "` + word + `", "Version": context.function_version, "Env": os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
            "ARN": context.invoked_function_arn, "ID": ID}
`}
}

// invokeAs invokes what a name or ARN names and returns who answered, whose
// version the answer's header has too.
func (a *awsCLI) invokeAs(name string) identity {
	a.t.Helper()
	out := a.run("invoke", "--function-name", name, "out.json")
	content, err := os.ReadFile(filepath.Join(a.dir, "out.json"))
	if err != nil {
		a.t.Fatal(err)
	}
	var who identity
	if err := json.Unmarshal(content, &who); err != nil {
		a.t.Fatalf("%s answered %s: %v", name, content, err)
	}
	if out["ExecutedVersion"] != who.Version || who.Env != who.Version {
		a.t.Errorf("%s: executed version %v, in the context %s, in the environment %s", name, out["ExecutedVersion"], who.Version, who.Env)
	}
	return who
}

// The way in which aliases are used: publish, point, publish, shift.
func TestAWSCLI_AliasShift(t *testing.T) {
	t.Parallel()
	cli, name := newAWSCLI(t, shared(t)), testName(t)
	arn := "arn:aws:lambda:us-east-1:000000000000:function:" + name
	cli.file("one.zip", identified("one").zip(t))
	cli.file("two.zip", identified("two").zip(t))
	created := cli.run("create-function", "--function-name", name, "--runtime", newest(t, "python"), "--handler", "app.handler",
		"--role", testRole, "--zip-file", "fileb://one.zip", "--timeout", "10", "--publish")
	if created["Version"] != "1" {
		t.Fatalf("create-function --publish printed %v", created)
	}
	cli.run("wait", "published-version-active", "--function-name", name, "--qualifier", "1")
	cli.run("create-alias", "--function-name", name, "--name", "live", "--function-version", "1")
	first := cli.invokeAs(arn + ":live")
	if first.Word != "one" || first.Version != "1" || first.ARN != arn+":live" {
		t.Errorf("the alias answered %+v", first)
	}

	cli.run("wait", "function-updated-v2", "--function-name", name)
	updated := cli.run("update-function-code", "--function-name", name, "--zip-file", "fileb://two.zip", "--publish")
	if updated["Version"] != "2" || updated["FunctionArn"] != arn+":2" {
		t.Fatalf("update-function-code --publish printed %v", updated)
	}
	cli.run("wait", "published-version-active", "--function-name", name, "--qualifier", "2")
	if again := cli.invokeAs(arn + ":live"); again != first {
		t.Errorf("after the update the alias answered %+v, want the same environment as before: %+v", again, first)
	}
	cli.run("update-alias", "--function-name", name, "--name", "live", "--function-version", "2")
	if shifted := cli.invokeAs(arn + ":live"); shifted.Word != "two" || shifted.Version != "2" || shifted.ARN != arn+":live" {
		t.Errorf("after the shift the alias answered %+v", shifted)
	}
	for qualifier, want := range map[string][2]string{"": {"two", "$LATEST"}, ":$LATEST": {"two", "$LATEST"}, ":1": {"one", "1"}, ":2": {"two", "2"}} {
		if who := cli.invokeAs(name + qualifier); who.Word != want[0] || who.Version != want[1] || who.ARN != arn+qualifier {
			t.Errorf("%s%s answered %+v", name, qualifier, who)
		}
	}
	if out, err := cli.try("delete-function", "--function-name", name, "--qualifier", "2"); err == nil || !strings.Contains(out, "[live]") {
		t.Errorf("delete a version with an alias: %v\n%s", err, out)
	}
	cli.run("delete-function", "--function-name", name)
	eventually(t, "end the environments of every version", func() bool { return len(functionProcesses(name)) == 0 })
	if out, err := cli.try("invoke", "--function-name", arn+":live", "out.json"); err == nil || !strings.Contains(out, "Function not found: "+arn+":live") {
		t.Errorf("invoke an alias of a deleted function: %v\n%s", err, out)
	}
}

// versioned is a function with versions 1 and 2 and an alias of version 1.
func (d *daemon) versioned(t *testing.T) (function, *lambda.Client) {
	t.Helper()
	fn, client := d.python(t), d.client()
	for _, description := range []string{"first", "second"} {
		if _, err := client.UpdateFunctionConfiguration(ctxFor(t), &lambda.UpdateFunctionConfigurationInput{FunctionName: &fn.name, Description: &description}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "publish", func() bool {
			_, err := client.PublishVersion(ctxFor(t), &lambda.PublishVersionInput{FunctionName: &fn.name})
			return err == nil
		})
	}
	if _, err := client.CreateAlias(ctxFor(t), &lambda.CreateAliasInput{FunctionName: &fn.name, Name: aws.String("live"), FunctionVersion: aws.String("1")}); err != nil {
		t.Fatal(err)
	}
	return fn, client
}

// qualified is what a qualifier of the function names.
func (f function) qualified(qualifier string) function {
	return function{f.d, f.name + ":" + qualifier}
}

func TestAlias_SharesItsInvocations(t *testing.T) {
	t.Parallel()
	fn, client := shared(t).versioned(t)
	_, err := client.UpdateAlias(ctxFor(t), &lambda.UpdateAliasInput{
		FunctionName: &fn.name, Name: aws.String("live"),
		RoutingConfig: &types.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{"2": 0.5}},
	})
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for range 100 { // all of one version: once in 10^30 runs
		res := fn.qualified("live").invoke(t, event(t, "eval", "context.function_version"))
		if res.Payload != `"`+res.Version+`"` {
			t.Fatalf("version %s ran, the answer says %s", res.Payload, res.Version)
		}
		counts[res.Version]++
	}
	if counts["1"] < 15 || counts["2"] < 15 || counts["1"]+counts["2"] != 100 { // outside once in 10^13 runs
		t.Errorf("versions ran %v times, want about half each", counts)
	}
}

func TestVersions_HaveEnvironmentsOfTheirOwn(t *testing.T) {
	t.Parallel()
	fn, client := shared(t).versioned(t)
	one, two, latest := evaluate[string](t, fn.qualified("1"), "ID"), evaluate[string](t, fn.qualified("2"), "ID"), evaluate[string](t, fn, "ID")
	if one == two || two == latest || latest == one {
		t.Errorf("versions share an environment: %s, %s, $LATEST %s", one, two, latest)
	}
	if live := evaluate[string](t, fn.qualified("live"), "ID"); live != one {
		t.Error("an alias does not use the environment of its version")
	}
	if _, err := client.UpdateFunctionConfiguration(ctxFor(t), &lambda.UpdateFunctionConfigurationInput{FunctionName: &fn.name, Timeout: aws.Int32(19)}); err != nil {
		t.Fatal(err)
	}
	if evaluate[string](t, fn.qualified("1"), "ID") != one {
		t.Error("an update of $LATEST ended an environment of version 1")
	}
	if evaluate[string](t, fn, "ID") == latest {
		t.Error("an update of $LATEST left its environment")
	}
}

func TestVersions_LogStreamsAreNamedForThem(t *testing.T) {
	t.Parallel()
	fn, _ := shared(t).versioned(t)
	res := fn.qualified("live").invoke(t, event(t, "eval", "os.environ['AWS_LAMBDA_LOG_STREAM_NAME']"))
	if !strings.Contains(res.Payload, "/[1]") || !strings.Contains(res.Log, " Version: 1\n") {
		t.Errorf("log stream %s, log\n%s", res.Payload, res.Log)
	}
}

func TestServe_VersionsAndAliasesSurviveKill(t *testing.T) {
	t.Parallel()
	d := startDaemon(t)
	fn, _ := d.versioned(t)
	describe := func() string {
		versions, err := d.client().ListVersionsByFunction(ctxFor(t), &lambda.ListVersionsByFunctionInput{FunctionName: &fn.name})
		if err != nil {
			t.Fatal(err)
		}
		aliases, err := d.client().ListAliases(ctxFor(t), &lambda.ListAliasesInput{FunctionName: &fn.name})
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.MarshalIndent([]any{versions.Versions, aliases.Aliases}, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	before := describe()
	if err := d.kill(); err != nil {
		t.Fatal(err)
	}
	if err := d.start(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, describe()); diff != "" {
		t.Errorf("they changed (-before +after):\n%s", diff)
	}
	if res := fn.qualified("live").invoke(t, event(t, "eval", "1")); res.Version != "1" {
		t.Errorf("the alias runs version %s", res.Version)
	}
}
