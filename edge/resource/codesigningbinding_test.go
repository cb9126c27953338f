package resource_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hearthd/hearth"
)

const (
	signingOfF = "/2020-06-30/functions/f/code-signing-config"
	signingOfG = "/2020-06-30/functions/g/code-signing-config"
)

func missingConfig(arn string) string {
	return "The code signing configuration cannot be found. Check that the provided configuration is not deleted: " + arn + "."
}

func TestCodeSigningBinding_IsSetShownListedAndDeleted(t *testing.T) {
	f := serve(t)
	arn := f.createSigning("")
	f.answers("GET", signingOfF, "", 200, `{}`)
	f.answers("GET", configPath(arn)+"/functions", "", 200, `{"FunctionArns":[]}`)
	for _, path := range []string{signingOfG, signingOfF} {
		if w := f.do("PUT", path, `{"CodeSigningConfigArn":"`+arn+`"}`); w.Code != 200 {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := f.do("GET", signingOfF, ""); strings.TrimSpace(w.Body.String()) != `{"CodeSigningConfigArn":"`+arn+`","FunctionName":"f"}` {
		t.Errorf("after it was attached: %s", w.Body)
	}
	const g = lambdas + "function:g"
	f.answers("GET", configPath(arn)+"/functions?MaxItems=1", "", 200, `{"NextMarker":"`+functionF+`","FunctionArns":["`+functionF+`"]}`)
	f.answers("GET", configPath(arn)+"/functions?MaxItems=1&Marker="+functionF, "", 200, `{"FunctionArns":["`+g+`"]}`)
	for range 2 { // the second time there is nothing to delete
		f.answers("DELETE", signingOfF, "", 204, "")
	}
	f.answers("GET", configPath(arn)+"/functions", "", 200, `{"FunctionArns":["`+g+`"]}`)
}

func TestCodeSigningBinding_ToAConfigurationThatIsMissing(t *testing.T) {
	f := serve(t)
	// The configuration is checked first, as on AWS.
	f.refused("PUT", "/2020-06-30/functions/none/code-signing-config", `{"CodeSigningConfigArn":"`+noConfig+`"}`,
		404, "CodeSigningConfigNotFoundException", missingConfig(noConfig))
	elsewhere := strings.Replace(f.createSigning(""), "us-east-1", "eu-west-1", 1)
	f.refused("PUT", signingOfF, `{"CodeSigningConfigArn":"`+elsewhere+`"}`, 404, "CodeSigningConfigNotFoundException", missingConfig(elsewhere))
}

func TestCodeSigningBinding_OfAnotherRegion_IsNotAttached(t *testing.T) {
	f := serve(t)
	r := httptest.NewRequestWithContext(t.Context(), "POST", signingConfigs, strings.NewReader("{"+publishers+"}"))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=x/20000101/eu-west-1/lambda/aws4_request, SignedHeaders=host, Signature=00")
	w := httptest.NewRecorder()
	f.router.ServeHTTP(w, r)
	_, rest, _ := strings.Cut(w.Body.String(), `"CodeSigningConfigArn":"`)
	arn, _, _ := strings.Cut(rest, `"`)
	if !strings.Contains(arn, ":eu-west-1:") {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	f.refused("PUT", signingOfF, `{"CodeSigningConfigArn":"`+arn+`"}`, 404, "CodeSigningConfigNotFoundException", missingConfig(arn))
}

func TestCodeSigningBinding_OfAFunctionThatIsMissing(t *testing.T) {
	f := serve(t)
	const none = "/2020-06-30/functions/none/code-signing-config"
	for _, r := range []request{{"PUT", none, `{"CodeSigningConfigArn":"` + f.createSigning("") + `"}`}, {"GET", none, ""}, {"DELETE", none, ""}} {
		f.refused(r[0], r[1], r[2], 404, "ResourceNotFoundException", "Function not found: "+lambdas+"function:none")
	}
}

func TestCodeSigningBinding_OfOneThatEnforces_IsLogged(t *testing.T) {
	f := serve(t)
	f.do("PUT", signingOfF, `{"CodeSigningConfigArn":"`+f.createSigning("")+`"}`)
	if f.log.Len() != 0 {
		t.Errorf("of one that warns: %s", f.log.String())
	}
	f.do("PUT", signingOfF, `{"CodeSigningConfigArn":"`+f.createSigning(`,"CodeSigningPolicies":{"UntrustedArtifactOnDeployment":"Enforce"}`)+`"}`)
	if !strings.Contains(f.log.String(), "level=WARN") || !strings.Contains(f.log.String(), "function=f") {
		t.Errorf("of one that enforces: %q", f.log.String())
	}
}

func TestCodeSigning_ChecksAndBindsForNewFunctions(t *testing.T) {
	f := serve(t)
	signing, arn := f.service.Signing(), f.createSigning("")
	for what, err := range map[string]error{
		"Check": signing.Check(t.Context(), noConfig), "Bind": signing.Bind(t.Context(), nameOf("f"), noConfig),
	} {
		if !errors.Is(err, hearth.ErrCodeSigningMissing) || err.Error() != missingConfig(noConfig) {
			t.Errorf("%s of what is missing: %v", what, err)
		}
	}
	if err := signing.Check(t.Context(), arn); err != nil {
		t.Errorf("Check: %v", err)
	}
	if err := signing.Bind(t.Context(), nameOf("f"), arn); err != nil {
		t.Errorf("Bind: %v", err)
	}
	bound, err := f.stores.bindings.Get(t.Context(), nameOf("f"), "")
	if err != nil || bound.ConfigARN != arn {
		t.Errorf("bound: %+v, %v", bound, err)
	}
}

func TestCodeSigningBinding_StoreFails(t *testing.T) {
	f := serve(t)
	body := `{"CodeSigningConfigArn":"` + f.createSigning("") + `"}`
	f.fail(&f.stores.bindings.Err, request{"PUT", signingOfF, body}, request{"GET", signingOfF, ""}, request{"DELETE", signingOfF, ""})
	f.fail(&f.stores.signing.Err, request{"PUT", signingOfF, body})
}
