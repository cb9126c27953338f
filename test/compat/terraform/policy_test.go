package terraform_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// statement is what the provider decodes of a policy's statement.
type statement struct {
	Sid, Effect, Action, Resource string
	Principal                     any
	Condition                     map[string]map[string]string
}

// findStatement returns the statement of an id in a policy document.
func findStatement(document, id string) (*statement, error) {
	var policy struct {
		Version   string
		Statement []statement
	}
	if err := json.Unmarshal([]byte(document), &policy); err != nil {
		return nil, err
	}
	for i := range policy.Statement {
		if policy.Statement[i].Sid == id {
			return &policy.Statement[i], nil
		}
	}
	return nil, &types.ResourceNotFoundException{Message: aws.String("no statement " + id)}
}

// attributes flattens a statement as aws_lambda_permission does.
func (s *statement) attributes(functionARN string) state {
	a := state{"statement_id": s.Sid, "action": s.Action}
	switch p := s.Principal.(type) {
	case string:
		a["principal"] = p
	case map[string]any:
		for _, v := range p {
			a["principal"] = v
		}
	}
	if q, ok := strings.CutPrefix(s.Resource, functionARN+":"); ok {
		a["qualifier"] = q
	} else if s.Resource != functionARN {
		a["function_name"] = s.Resource
	}
	for operator, attribute := range map[string]string{
		"StringEquals AWS:SourceAccount":          "source_account",
		"ArnLike AWS:SourceArn":                   "source_arn",
		"StringEquals lambda:EventSourceToken":    "event_source_token",
		"StringEquals lambda:FunctionUrlAuthType": "function_url_auth_type",
		"StringEquals aws:PrincipalOrgID":         "principal_org_id",
	} {
		operator, key, _ := strings.Cut(operator, " ")
		if v, ok := s.Condition[operator][key]; ok {
			a[attribute] = v
		}
	}
	return a
}

// permission is an aws_lambda_permission. It has no update in place.
func permission(input *lambda.AddPermissionInput, want state) resource {
	return resource{
		create: func(ctx context.Context) error {
			_, err := client.AddPermission(ctx, input)
			return err
		},
		read: func(ctx context.Context) (state, error) {
			out, err := client.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: input.FunctionName, Qualifier: input.Qualifier})
			if err != nil {
				return nil, err
			}
			s, err := findStatement(*out.Policy, *input.StatementId)
			if err != nil {
				return nil, err
			}
			return s.attributes(arn + "function:" + *input.FunctionName), nil
		},
		destroy: func(ctx context.Context) error {
			_, err := client.RemovePermission(ctx, &lambda.RemovePermissionInput{
				FunctionName: input.FunctionName, StatementId: input.StatementId, Qualifier: input.Qualifier,
			})
			return err
		},
		created: want,
	}
}

func TestPermission(t *testing.T) {
	name := deploy(t, "permitted")
	live(t, name)
	for i, want := range []state{
		{"action": "lambda:InvokeFunction", "principal": "s3.amazonaws.com", "source_arn": "arn:aws:s3:::b", "source_account": "111122223333"},
		{"action": "lambda:InvokeFunction", "principal": "events.amazonaws.com", "qualifier": "live"},
		{"action": "lambda:InvokeFunction", "principal": "sns.amazonaws.com", "qualifier": "1", "source_arn": "arn:aws:sns:us-east-1:111122223333:t"},
		{"action": "lambda:InvokeFunction", "principal": "arn:aws:iam::111122223333:root"},
		{"action": "lambda:InvokeFunctionUrl", "principal": "*", "function_url_auth_type": "NONE"},
		{"action": "lambda:InvokeFunction", "principal": "*", "principal_org_id": "o-0123456789"},
		{"action": "lambda:InvokeFunction", "principal": "alexa-appkit.amazon.com", "event_source_token": "skill"},
	} {
		want["statement_id"] = fmt.Sprintf("s%d", i)
		text := func(name string) *string {
			v, ok := want[name].(string)
			if !ok {
				return nil
			}
			return &v
		}
		in := &lambda.AddPermissionInput{
			FunctionName: &name, StatementId: text("statement_id"), Action: text("action"), Principal: text("principal"),
			Qualifier: text("qualifier"), SourceArn: text("source_arn"), SourceAccount: text("source_account"),
			EventSourceToken: text("event_source_token"), PrincipalOrgID: text("principal_org_id"),
		}
		if auth := text("function_url_auth_type"); auth != nil {
			in.FunctionUrlAuthType = types.FunctionUrlAuthType(*auth)
		}
		permission(in, want).lifecycle(t)
	}
}

// publishLayer makes a layer for functions and returns its ARN.
func publishLayer(t *testing.T, name string) string {
	t.Helper()
	out, err := client.PublishLayerVersion(t.Context(), &lambda.PublishLayerVersionInput{
		LayerName: &name, Content: &types.LayerVersionContentInput{ZipFile: archive(t, "data.txt", name)},
	})
	must(t, "publish a layer", err)
	return *out.LayerVersionArn
}

// layerVersion is an aws_lambda_layer_version. It has no update in place.
func layerVersion(t *testing.T, name string) resource {
	code := archive(t, "data.txt", "layer")
	return resource{
		create: func(ctx context.Context) error {
			_, err := client.PublishLayerVersion(ctx, &lambda.PublishLayerVersionInput{
				LayerName: &name, Content: &types.LayerVersionContentInput{ZipFile: code}, Description: aws.String("d"), LicenseInfo: aws.String("MIT"),
				CompatibleRuntimes: []types.Runtime{types.RuntimePython313}, CompatibleArchitectures: []types.Architecture{types.ArchitectureX8664},
			})
			return err
		},
		read: func(ctx context.Context) (state, error) {
			out, err := client.GetLayerVersion(ctx, &lambda.GetLayerVersionInput{LayerName: &name, VersionNumber: aws.Int64(1)})
			if err != nil {
				return nil, err
			}
			return state{
				"arn": *out.LayerVersionArn, "layer_arn": *out.LayerArn, "version": out.Version, "description": aws.ToString(out.Description),
				"license_info": aws.ToString(out.LicenseInfo), "source_code_hash": *out.Content.CodeSha256, "source_code_size": out.Content.CodeSize,
				"compatible_runtimes": out.CompatibleRuntimes, "compatible_architectures": out.CompatibleArchitectures,
			}, nil
		},
		destroy: func(ctx context.Context) error {
			_, err := client.DeleteLayerVersion(ctx, &lambda.DeleteLayerVersionInput{LayerName: &name, VersionNumber: aws.Int64(1)})
			return err
		},
		created: state{
			"arn": arn + "layer:" + name + ":1", "layer_arn": arn + "layer:" + name, "version": int64(1), "description": "d", "license_info": "MIT",
			"source_code_hash": hash(code), "source_code_size": int64(len(code)),
			"compatible_runtimes": []types.Runtime{types.RuntimePython313}, "compatible_architectures": []types.Architecture{types.ArchitectureX8664},
		},
	}
}

func TestLayerVersion(t *testing.T) {
	// Version numbers are never used again, and the test may run more than once.
	layerVersion(t, fmt.Sprintf("tf-layer-%d", time.Now().UnixNano())).lifecycle(t)
}

func TestLayerVersionPermission(t *testing.T) {
	name := fmt.Sprintf("tf-layer-permitted-%d", time.Now().UnixNano())
	publishLayer(t, name)
	resource{
		create: func(ctx context.Context) error {
			_, err := client.AddLayerVersionPermission(ctx, &lambda.AddLayerVersionPermissionInput{
				LayerName: &name, VersionNumber: aws.Int64(1), StatementId: aws.String("s"), Action: aws.String("lambda:GetLayerVersion"),
				Principal: aws.String("*"), OrganizationId: aws.String("o-0123456789"),
			})
			return err
		},
		read: func(ctx context.Context) (state, error) {
			out, err := client.GetLayerVersionPolicy(ctx, &lambda.GetLayerVersionPolicyInput{LayerName: &name, VersionNumber: aws.Int64(1)})
			if err != nil {
				return nil, err
			}
			s, err := findStatement(*out.Policy, "s")
			if err != nil {
				return nil, err
			}
			return s.attributes(arn + "layer:" + name), nil
		},
		destroy: func(ctx context.Context) error {
			_, err := client.RemoveLayerVersionPermission(ctx, &lambda.RemoveLayerVersionPermissionInput{
				LayerName: &name, VersionNumber: aws.Int64(1), StatementId: aws.String("s"),
			})
			return err
		},
		created: state{
			"statement_id": "s", "action": "lambda:GetLayerVersion", "principal": "*", "principal_org_id": "o-0123456789", "qualifier": "1",
		},
	}.lifecycle(t)
}
