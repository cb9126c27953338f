package resource_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
)

const (
	signingConfigs = "/2020-04-22/code-signing-configs"
	publishers     = `"AllowedPublishers":{"SigningProfileVersionArns":["arn:aws:signer:us-east-1:000000000000:/signing-profiles/test"]}`
	noConfig       = lambdas + "code-signing-config:csc-00000000000000000"
	noConfigText   = `"The Lambda code signing configuration ` + lambdas + `code-signing-config:csc-<id> can not be found."`
)

// configPath is where a code signing config is.
func configPath(arn string) string { return signingConfigs + "/" + url.PathEscape(arn) }

// createSigning makes a configuration with further members, and returns its ARN.
func (f *fixture) createSigning(members string) string {
	f.Helper()
	var created struct {
		CodeSigningConfig struct{ CodeSigningConfigArn string }
	}
	w := f.do("POST", signingConfigs, "{"+publishers+members+"}")
	if err := json.Unmarshal(w.Body.Bytes(), &created); err != nil || w.Code != 201 {
		f.Fatalf("%d %s", w.Code, w.Body)
	}
	return created.CodeSigningConfig.CodeSigningConfigArn
}

// shownSigning is a configuration as it is shown at the first moment of a bubble.
func shownSigning(description, untrusted string) string {
	return `{"CodeSigningConfigId":"csc-<id>","CodeSigningConfigArn":"` + lambdas + `code-signing-config:csc-<id>","Description":"` + description + `",` +
		publishers + `,"CodeSigningPolicies":{"UntrustedArtifactOnDeployment":"` + untrusted + `"},"LastModified":"2000-01-01T00:00:00.000+0000"}`
}

func TestCodeSigningConfig_Lifecycle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t)
		f.answers("POST", signingConfigs, "{"+publishers+`,"Description":"d","Tags":{"a":"1"}}`, 201, `{"CodeSigningConfig":`+shownSigning("d", "Warn")+`}`)
		f.answers("GET", signingConfigs, "", 200, `{"CodeSigningConfigs":[`+shownSigning("d", "Warn")+`]}`)
		arn := f.createSigning("")
		f.answers("GET", configPath(arn), "", 200, `{"CodeSigningConfig":`+shownSigning("", "Warn")+`}`)
		f.answers("PUT", configPath(arn), `{"CodeSigningPolicies":{"UntrustedArtifactOnDeployment":"Enforce"}}`, 200,
			`{"CodeSigningConfig":`+shownSigning("", "Enforce")+`}`)
		f.answers("PUT", configPath(arn), `{"Description":"changed"}`, 200, `{"CodeSigningConfig":`+shownSigning("changed", "Enforce")+`}`)
		if next := nextMarker(t, f.do("GET", signingConfigs+"?MaxItems=1", "")); !strings.HasPrefix(next, "csc-") {
			t.Errorf("the first page ends with %q", next)
		}
		f.answers("DELETE", configPath(arn), "", 204, "")
	})
}

func TestCodeSigningConfig_Missing(t *testing.T) {
	f := serve(t)
	for _, r := range []request{
		{"GET", configPath(noConfig), ""}, {"PUT", configPath(noConfig), `{}`}, {"DELETE", configPath(noConfig), ""},
		{"GET", configPath(noConfig) + "/functions", ""},
	} {
		f.answers(r[0], r[1], r[2], 404, `{"Message":`+noConfigText+`}`)
	}
}

func TestCodeSigningConfig_InUse_IsNotDeleted(t *testing.T) {
	f := serve(t)
	arn := f.createSigning("")
	f.do("PUT", signingOfF, `{"CodeSigningConfigArn":"`+arn+`"}`)
	f.refused("DELETE", configPath(arn), "", 409, "ResourceConflictException", "Cannot delete the code signing configuration "+arn+": 1 function(s) use it.")
}

func TestCodeSigningConfig_IsTaggedByItsARN(t *testing.T) {
	f := serve(t)
	arn := f.createSigning(`,"Tags":{"a":"1"}`)
	f.answers("POST", tagsPath(arn), `{"Tags":{"b":"2"}}`, 204, "")
	f.answers("GET", tagsPath(arn), "", 200, `{"Tags":{"a":"1","b":"2"}}`)
	f.answers("GET", tagsPath(noConfig), "", 404, `{"Message":`+noConfigText+`}`)
}

func TestCodeSigningConfig_StoreFails(t *testing.T) {
	f := serve(t)
	arn := f.createSigning("")
	f.fail(&f.stores.signing.Err, request{"POST", signingConfigs, "{" + publishers + "}"}, request{"GET", signingConfigs, ""},
		request{"GET", configPath(arn), ""}, request{"PUT", configPath(arn), `{}`}, request{"DELETE", configPath(arn), ""})
	f.fail(&f.stores.bindings.Err, request{"DELETE", configPath(arn), ""}, request{"GET", configPath(arn) + "/functions", ""})
}
