package e2e_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/hearthd/hearth/test/compile"
)

// asks are functions that invoke the function that their event names, each with the
// SDK of its language as it comes: nothing in them knows of hearth.
func asks(t *testing.T, d *daemon) map[string]function {
	t.Helper()
	dir := t.TempDir()
	if err := compile.Program(t.Context(), "test/e2e/testdata/asks", filepath.Join(dir, "bootstrap")); err != nil {
		t.Fatal(err)
	}
	program, err := os.ReadFile(filepath.Join(dir, "bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	python := sdkOfPython(t)
	python["app.py"] = `
import boto3, botocore.exceptions, json
def handler(event, context):
    if "service" in event:
        try:
            getattr(boto3.client(event["service"]), event["operation"])()
        except botocore.exceptions.ClientError as e:
            return e.response["Error"]
    answer = boto3.client("lambda").invoke(FunctionName=event["name"], Payload=json.dumps(event["payload"]))
    return json.loads(answer["Payload"].read())
`
	node := packed(t, filepath.Join(repository, ".tools", "node_modules"), "node_modules", func(name string) bool {
		return !strings.HasSuffix(name, ".d.ts") && !strings.HasSuffix(name, ".map") && !strings.Contains(name, "/dist-es/")
	})
	node["index.js"] = `
const { LambdaClient, InvokeCommand } = require("@aws-sdk/client-lambda");
exports.handler = async (event) => {
	const answer = await new LambdaClient().send(new InvokeCommand({ FunctionName: event.name, Payload: JSON.stringify(event.payload) }));
	return JSON.parse(Buffer.from(answer.Payload));
};`
	all := map[string]function{}
	for name, of := range map[string]struct {
		runtime, handler string
		code             files
	}{
		"python": {newest(t, "python"), "app.handler", python},
		"node":   {newest(t, "nodejs"), "index.handler", node},
		"go":     {string(types.RuntimeProvidedal2023), "bootstrap", files{"bootstrap": string(program)}},
	} {
		all[name] = d.create(t, of.runtime, of.handler, of.code, named(name), timeout(60))
	}
	return all
}

// packed are the files of a directory that are to be kept, below a name.
func packed(t *testing.T, dir, name string, keep func(name string) bool) files {
	t.Helper()
	found := files{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !entry.Type().IsRegular() || !keep("/"+file) {
			return err
		}
		content, err := os.ReadFile(filepath.Join(dir, file))
		found[path.Join(name, file)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// sdkOfPython is boto3 as far as a client of Lambda and S3 needs it.
func sdkOfPython(t *testing.T) files {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "python3", "-c", "import boto3, os; print(os.path.dirname(os.path.dirname(boto3.__file__)))").Output()
	if err != nil {
		t.Fatalf("python3 has no boto3 (%v); scripts/install-test-deps installs it", err)
	}
	packages := []string{"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py"}
	return packed(t, strings.TrimSpace(string(out)), "", func(name string) bool {
		top, rest, _ := strings.Cut(strings.TrimPrefix(name, "/"), "/")
		for _, p := range packages {
			if top != p {
				continue
			}
			data, isData := strings.CutPrefix(rest, "data/")
			service, _, ofService := strings.Cut(data, "/")
			return !strings.Contains(name, "__pycache__") && (!isData || !ofService || service == "lambda" || service == "s3")
		}
		return false
	})
}

// Every SDK finds hearth by itself, in every sandbox, without any other network: each
// function invokes each, itself too, which then invokes the one that answers.
func TestInside_FunctionsInvokeFunctions(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{
		"namespace": {"--sandbox", "namespace", "--network", "none"}, "process": {"--sandbox", "process"},
	} {
		t.Run(name, func(t *testing.T) {
			d := startDaemon(t, flags...)
			all, echo := asks(t, d), d.shell(t)
			for language, fn := range all {
				for other, target := range all {
					res := fn.invoke(t, `{"name":"`+target.name+`","payload":{"name":"`+echo.name+`","payload":{"from":"`+language+`"}}}`)
					if !strings.Contains(res.Payload, `"event":{"from":"`+language+`"}`) && !strings.Contains(res.Payload, `"event": {"from": "`+language+`"}`) {
						t.Errorf("%s by way of %s: %s %s\n%s", language, other, res.FunctionError, res.Payload, res.Log)
					}
				}
			}
			res := all["python"].invoke(t, `{"service":"s3","operation":"list_buckets"}`)
			if !strings.Contains(res.Payload, "AWS_ENDPOINT_URL_S3") {
				t.Errorf("a service that is not served: %s %s", res.FunctionError, res.Payload)
			}
		})
	}
}
