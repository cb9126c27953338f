package auth

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// anyResource stands for operations that are about no resource in particular,
// and so about the caller's own account.
const anyResource = "*"

// resource returns the ARN of what a call is about. Every way in which a call
// can name something of another account must be here: what is not is taken to
// be the caller's own.
func (g *Gate) resource(ctx context.Context, call *api.Call, body []byte) (string, error) {
	query := call.HTTP.URL.Query()
	for _, label := range arnLabels() {
		if arn := call.Label(label); arn != "" {
			return arnOrAny(arn), nil
		}
	}
	if name := call.Label("FunctionName"); name != "" {
		return g.function(ctx, name, query.Get("Qualifier"))
	}
	if layer := call.Label("LayerName"); layer != "" {
		return g.layer(ctx, layer, call.Label("VersionNumber")), nil
	}
	switch call.Operation {
	case api.GetLayerVersionByArn.Name():
		return arnOrAny(query.Get("Arn")), nil
	case api.ListEventSourceMappings.Name():
		if name := query.Get("FunctionName"); name != "" {
			return g.function(ctx, name, "")
		}
	case api.CreateFunction.Name(), api.CreateEventSourceMapping.Name(), api.UpdateEventSourceMapping.Name():
		// Read as the handler will: the last of several members counts.
		var in struct{ FunctionName string }
		if err := json.Unmarshal(body, &in); err == nil && in.FunctionName != "" {
			return g.function(ctx, in.FunctionName, "")
		}
	}
	return anyResource, nil
}

// arnOrAny leaves what is no ARN to the operation, which refuses it.
func arnOrAny(s string) string {
	if strings.HasPrefix(s, "arn:") {
		return s
	}
	return anyResource
}

// arnLabels are the labels of paths that are ARNs. The others, besides
// FunctionName and LayerName, name things within the caller's account.
func arnLabels() []string {
	return []string{"Resource", "ResourceArn", "CodeSigningConfigArn", "DurableExecutionArn"}
}

// function returns the ARN of a function that a call names in any form. What is
// no name at all is left to the operation, which says so.
func (g *Gate) function(ctx context.Context, name, qualifier string) (string, error) {
	if len(name) > maxName {
		return anyResource, nil
	}
	ref, err := api.ParseFunctionRef(name)
	if err != nil {
		return anyResource, nil //nolint:nilerr // the operation refuses it with the text for its member
	}
	account, region := g.scope.Of(ctx)
	fn := hearth.Name{Account: account, Region: region, Function: ref.Name}
	if ref.Account != "" {
		fn.Account = ref.Account
	}
	if ref.Region != "" {
		fn.Region = ref.Region
	}
	if qualifier == "" {
		qualifier = ref.Qualifier
	}
	return fn.ARN(qualifier), nil
}

// maxName is longer than any reference to a function may be.
const maxName = 2048

// layer returns the ARN of a layer, or of a version of it.
func (g *Gate) layer(ctx context.Context, name, version string) string {
	arn := name
	if !strings.HasPrefix(name, "arn:") {
		account, region := g.scope.Of(ctx)
		arn = "arn:" + hearth.Partition(region) + ":lambda:" + region + ":" + account + ":layer:" + name
	}
	if version != "" {
		arn += ":" + version
	}
	return arn
}
