package resource_test

import (
	"net/url"
	"testing"
	"testing/synctest"

	"github.com/hearthd/hearth"
)

const (
	providers    = "/2025-11-30/capacity-providers"
	providerARN  = lambdas + "capacity-provider:p"
	providerBody = `"CapacityProviderName":"p","VpcConfig":{"SubnetIds":["subnet-1"],"SecurityGroupIds":["sg-1"]},` +
		`"PermissionsConfig":{"CapacityProviderOperatorRoleArn":"arn:aws:iam::123456789012:role/r"}`
)

// provider is p as it is shown, but for the brace at its end; further members
// come ahead of its scaling, that of its key after it.
func provider(state, scaling, further, key string) string {
	return `{"CapacityProviderArn":"` + providerARN + `","State":"` + state + `","VpcConfig":{"SubnetIds":["subnet-1"],"SecurityGroupIds":["sg-1"]},` +
		`"PermissionsConfig":{"CapacityProviderOperatorRoleArn":"arn:aws:iam::123456789012:role/r"},` + further +
		`"CapacityProviderScalingConfig":` + scaling + `,` + key + `"LastModified":"2000-01-01T00:00:00.000+0000"`
}

const defaultScaling = `{"MaxVCpuCount":400,"ScalingMode":"Auto"}`

func TestCapacityProvider_Lifecycle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t)
		plain := provider("Active", defaultScaling, "", "") + "}"
		f.answers("POST", providers, "{"+providerBody+"}", 202, `{"CapacityProvider":`+plain+`}`)
		f.answers("POST", providers, "{"+providerBody+"}", 409, `{"Type":"User","message":"Capacity provider already exists: `+providerARN+`"}`)
		f.answers("GET", providers+"/p", "", 200, `{"CapacityProvider":`+plain+`}`)
		f.answers("GET", providers+"/"+url.PathEscape(providerARN), "", 200, `{"CapacityProvider":`+plain+`}`)
		f.answers("DELETE", providers+"/p", "", 202, `{"CapacityProvider":`+provider("Deleting", defaultScaling, "", "")+`}}`)
		f.answers("GET", providers+"/p", "", 404, `{"Message":"Capacity provider not found: `+providerARN+`","Type":"User"}`)
	})
}

func TestCapacityProvider_EverythingIsEchoed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t)
		const (
			instances = `"InstanceRequirements":{"Architectures":["arm64"],"AllowedInstanceTypes":["m7g.large"]},`
			scaling   = `{"MaxVCpuCount":20,"ScalingMode":"Manual","ScalingPolicies":[{"PredefinedMetricType":"LambdaCapacityProviderAverageCPUUtilization","TargetValue":60}]}`
			key       = `"KmsKeyArn":"arn:aws:kms:us-east-1:123456789012:key/k"`
			rest      = `"PropagateTags":{"Mode":"Explicit","ExplicitTags":{"a":"1"}},"TelemetryConfig":{"LoggingConfig":{"SystemLogLevel":"DEBUG","LogGroup":"/g"}}`
		)
		w := f.do("POST", providers, "{"+providerBody+","+instances+key+","+rest+`,"CapacityProviderScalingConfig":`+scaling+"}")
		if w.Code != 202 {
			t.Fatal(w.Body)
		}
		f.answers("GET", providers+"/p", "", 200, `{"CapacityProvider":`+provider("Active", scaling, instances, key+",")+","+rest+"}}")
	})
}

func TestCapacityProvider_Update_KeepsWhatIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t)
		f.do("POST", providers, "{"+providerBody+`,"CapacityProviderScalingConfig":{"MaxVCpuCount":20}}`)
		const limited = `{"MaxVCpuCount":20,"ScalingMode":"Auto"}`
		const tags = `"PropagateTags":{"Mode":"None"}`
		f.answers("PUT", providers+"/p", "{"+tags+"}", 202, `{"CapacityProvider":`+provider("Active", limited, "", "")+","+tags+`}}`)
		f.answers("PUT", providers+"/p", `{"CapacityProviderScalingConfig":{"MaxVCpuCount":30}}`, 202,
			`{"CapacityProvider":`+provider("Active", `{"MaxVCpuCount":30,"ScalingMode":"Auto"}`, "", "")+","+tags+`}}`)
		f.answers("PUT", providers+"/none", "{"+tags+"}", 404, `{"Message":"Capacity provider not found: `+lambdas+`capacity-provider:none","Type":"User"}`)
	})
}

func TestCapacityProvider_IsListedInPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := serve(t)
		f.do("POST", providers, "{"+providerBody+"}")
		f.do("POST", providers, `{"CapacityProviderName":"q"`+providerBody[len(`"CapacityProviderName":"p"`):]+"}")
		f.answers("GET", providers+"?MaxItems=1", "", 200, `{"CapacityProviders":[`+provider("Active", defaultScaling, "", "")+`}],"NextMarker":"p"}`)
		if next := nextMarker(t, f.do("GET", providers+"?MaxItems=1&Marker=p", "")); next != "" {
			t.Errorf("the last page has the marker %q", next)
		}
		f.answers("GET", providers+"?State=Pending", "", 200, `{"CapacityProviders":[]}`)
	})
}

// manage makes a function h on p, with versions 1 and 2.
func (f *fixture) manage() {
	f.Helper()
	f.create(&hearth.Function{
		Name: nameOf("h"), Version: hearth.Latest, State: hearth.StateActive, Managed: &hearth.ManagedInstances{ProviderARN: providerARN},
	})
	f.publish("h", "1")
	f.publish("h", "2")
	f.do("POST", providers, "{"+providerBody+"}")
}

func TestCapacityProvider_ListsItsVersions(t *testing.T) {
	f := serve(t)
	f.manage()
	const arn = lambdas + "function:h:"
	f.answers("GET", providers+"/p/function-versions?MaxItems=1", "", 200,
		`{"CapacityProviderArn":"`+providerARN+`","FunctionVersions":[{"FunctionArn":"`+arn+`1","State":"Active"}],"NextMarker":"`+arn+`1"}`)
	f.answers("GET", providers+"/p/function-versions?Marker="+arn+"1", "", 200,
		`{"CapacityProviderArn":"`+providerARN+`","FunctionVersions":[{"FunctionArn":"`+arn+`2","State":"Active"}]}`)
	f.refused("GET", providers+"/none/function-versions", "", 404, "ResourceNotFoundException", "Capacity provider not found: ")
}

func TestCapacityProvider_InUse_IsNotDeleted(t *testing.T) {
	f := serve(t)
	f.manage()
	f.refused("DELETE", providers+"/p", "", 400, "ResourceInUseException", "Capacity provider is in use by function versions: "+providerARN)
	f.refused("DELETE", providers+"/none", "", 404, "ResourceNotFoundException", "Capacity provider not found: ")
}

func TestCapacityProvider_IsTaggedByItsARN(t *testing.T) {
	f := serve(t)
	f.do("POST", providers, "{"+providerBody+`,"Tags":{"a":"1"}}`)
	f.answers("GET", tagsPath(providerARN), "", 200, `{"Tags":{"a":"1"}}`)
	f.answers("GET", tagsPath(providerARN+"2"), "", 404, `{"Message":"Capacity provider not found: `+providerARN+`2","Type":"User"}`)
}

func TestCapacityProvider_StoreFails(t *testing.T) {
	f := serve(t)
	f.fail(&f.stores.providers.Err,
		request{"POST", providers, "{" + providerBody + "}"}, request{"GET", providers, ""}, request{"GET", providers + "/p", ""},
		request{"PUT", providers + "/p", "{}"}, request{"DELETE", providers + "/p", ""}, request{"GET", providers + "/p/function-versions", ""})
}
