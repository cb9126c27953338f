package api_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
)

// golden is a request and the message that the real service answers it with,
// recorded 2025-11 to 2026-02.
type golden struct {
	method, target string
	body           string
	message        string
}

func TestValidation_SaysWhatAWSSays(t *testing.T) {
	for _, g := range validationMessages() {
		checkMessage(t, g, "ValidationException", "")
	}
}

func TestParameterValues_SayWhatAWSSays(t *testing.T) {
	for _, g := range parameterMessages() {
		checkMessage(t, g, "InvalidParameterValueException", "User")
	}
}

func checkMessage(t *testing.T, g golden, code, typ string) {
	t.Helper()
	w := httptest.NewRecorder()
	newRouter().ServeHTTP(w, httptest.NewRequest(g.method, g.target, strings.NewReader(g.body)))
	var body struct{ Message, Type string }
	if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
		t.Fatalf("%s %s: body %q: %v", g.method, g.target, w.Body, err)
	}
	if w.Code != 400 || w.Header().Get("X-Amzn-ErrorType") != code || body.Type != typ {
		t.Errorf("%s %s: %d %s Type=%q, want 400 %s Type=%q", g.method, g.target, w.Code, w.Header().Get("X-Amzn-ErrorType"), body.Type, code, typ)
	}
	if body.Message != g.message {
		t.Errorf("%s %s %s:\n got %s\nwant %s", g.method, g.target, g.body, body.Message, g.message)
	}
}

func validationMessages() []golden {
	return []golden{
		{
			"GET", "/2021-10-31/functions/f/url?Qualifier=%24LATEST",
			``,
			`1 validation error detected: Value '$LATEST' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$)`,
		},
		{
			"POST", "/2018-10-31/layers/l/versions/1/policy",
			`{"Action":"*","StatementId":"s","Principal":"*"}`,
			`1 validation error detected: Value '*' at 'action' failed to satisfy constraint: Member must satisfy regular expression pattern: lambda:GetLayerVersion`,
		},
		{
			"PUT", "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=1",
			`{"ProvisionedConcurrentExecutions":0}`,
			`1 validation error detected: Value '0' at 'provisionedConcurrentExecutions' failed to satisfy constraint: Member must have value greater than or equal to 1`,
		},
		{
			"GET", "/2021-10-31/functions/f/url?Qualifier=1",
			``,
			`1 validation error detected: Value '1' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$)`,
		},
		{
			"GET", "/2021-10-31/functions/f/url?Qualifier=2",
			``,
			`1 validation error detected: Value '2' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: ((?!^\d+$)^[0-9a-zA-Z-_]+$)`,
		},
		{
			"POST", "/2015-03-31/functions/f/aliases",
			`{"Name":"2024","FunctionVersion":"1"}`,
			`1 validation error detected: Value '2024' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)`,
		},
		{
			"PUT", "/2024-08-31/functions/f/recursion-config",
			`{"RecursiveLoop":"InvalidValue"}`,
			`1 validation error detected: Value 'InvalidValue' at 'recursiveLoop' failed to satisfy constraint: Member must satisfy enum value set: [Terminate, Allow]`,
		},
		{
			"POST", "/2015-03-31/functions",
			`{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{"S3Bucket":"bucket","S3Key":"k"},"VpcConfig":{"SecurityGroupIds":["bad_group"]}}`,
			`1 validation error detected: Value '[bad_group]' at 'vpcConfig.securityGroupIds' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 0, Member must satisfy regular expression pattern: sg-[0-9a-zA-Z]*]`,
		},
		{
			"POST", "/2015-03-31/functions",
			`{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{"S3Bucket":"bucket","S3Key":"k"},"VpcConfig":{"SubnetIds":["bad_subnet"]}}`,
			`1 validation error detected: Value '[bad_subnet]' at 'vpcConfig.subnetIds' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 0, Member must satisfy regular expression pattern: subnet-[0-9a-z]*]`,
		},
		{
			"POST", "/2015-03-31/functions",
			`{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{"S3Bucket":"bucket","S3Key":"k"},"Architectures":["X86_64"]}`,
			`1 validation error detected: Value '[X86_64]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]`,
		},
		{
			"POST", "/2015-03-31/functions",
			`{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{"S3Bucket":"bucket","S3Key":"k"},"Layers":["arn:aws:lambda:us-east-1:123456789012:layer:n"]}`,
			`1 validation error detected: Value '[arn:aws:lambda:us-east-1:123456789012:layer:n]' at 'layers' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 2048, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+), Member must not be null]`,
		},
		{
			"POST", "/2015-03-31/functions",
			`{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{"S3Bucket":"bucket","S3Key":"k"},"Architectures":["x86_64","arm64"]}`,
			`1 validation error detected: Value '[x86_64, arm64]' at 'architectures' failed to satisfy constraint: Member must have length less than or equal to 1`,
		},
		{
			"GET", "/2018-10-31/layers?CompatibleArchitecture=archdoesnotexist",
			``,
			`1 validation error detected: Value 'archdoesnotexist' at 'compatibleArchitecture' failed to satisfy constraint: Member must satisfy enum value set: [x86_64, arm64]`,
		},
		{
			"PUT", "/2019-09-25/functions/f/event-invoke-config",
			`{"DestinationConfig":{"OnFailure":{"Destination":"arn:aws:_-/!lambda:us-east-1:123456789012:function:n"}}}`,
			`1 validation error detected: Value 'arn:aws:_-/!lambda:us-east-1:123456789012:function:n' at 'destinationConfig.onFailure.destination' failed to satisfy constraint: Member must satisfy regular expression pattern: $|kafka://([^.]([a-zA-Z0-9\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1})?:(\d{12})?:(.*)`,
		},
		{
			"GET", "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123400000000%40function%3Amyfn",
			``,
			`1 validation error detected: Value 'arn:aws:lambda:us-east-1:123400000000@function:myfn' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?`,
		},
		{
			"GET", "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Acapacity-provider%3An%3Aalias",
			``,
			`1 validation error detected: Value 'arn:aws:lambda:us-east-1:123456789012:capacity-provider:n:alias' at 'resource' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)`,
		},
		{
			"GET", "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Aevent-source-mapping%3An%3Aalias",
			``,
			`1 validation error detected: Value 'arn:aws:lambda:us-east-1:123456789012:event-source-mapping:n:alias' at 'resource' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)`,
		},
		{
			"GET", "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afoobar%3An",
			``,
			`1 validation error detected: Value 'arn:aws:lambda:us-east-1:123456789012:foobar:n' at 'resource' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)`,
		},
		{
			"PUT", "/2017-10-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Annnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn/concurrency",
			`{"ReservedConcurrentExecutions":1}`,
			`1 validation error detected: Value 'arn:aws:lambda:us-east-1:123456789012:function:nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 140`,
		},
		{
			"GET", "/2018-10-31/layers?find=LayerVersion&Arn=arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Alayer%3An",
			``,
			`1 validation error detected: Value 'arn:aws:lambda:us-east-1:123456789012:layer:n' at 'arn' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)`,
		},
		{
			"GET", "/2017-03-31/tags/arn%3Aaws%3Asomething",
			``,
			`1 validation error detected: Value 'arn:aws:something' at 'resource' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)`,
		},
		{
			"POST", "/2015-03-31/functions/f/policy",
			`{"StatementId":"example.com","Action":"lambda:InvokeFunction","Principal":"s3.amazonaws.com"}`,
			`1 validation error detected: Value 'example.com' at 'statementId' failed to satisfy constraint: Member must satisfy regular expression pattern: ([a-zA-Z0-9-_]+)`,
		},
		{
			"GET", "/2015-03-31/functions?FunctionVersion=invalid",
			``,
			`1 validation error detected: Value 'invalid' at 'functionVersion' failed to satisfy constraint: Member must satisfy enum value set: [ALL]`,
		},
		{
			"POST", "/2015-03-31/event-source-mappings",
			`{"FunctionName":"f","StartingPosition":"invalid"}`,
			`1 validation error detected: Value 'invalid' at 'startingPosition' failed to satisfy constraint: Member must satisfy enum value set: [LATEST, AT_TIMESTAMP, TRIM_HORIZON]`,
		},
		{
			"GET", "/2015-03-31/functions/f?Qualifier=invalid-qualifier-with-%3F-char",
			``,
			`1 validation error detected: Value 'invalid-qualifier-with-?-char' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: \$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+`,
		},
		{
			"PUT", "/2017-10-31/functions/invalid%3Afunction%3Aname/concurrency",
			`{"ReservedConcurrentExecutions":1}`,
			`1 validation error detected: Value 'invalid:function:name' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`,
		},
		{
			"POST", "/2015-03-31/functions",
			`{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{"S3Bucket":"bucket","S3Key":"k"},"SnapStart":{"ApplyOn":"invalidOption"}}`,
			`1 validation error detected: Value 'invalidOption' at 'snapStart.applyOn' failed to satisfy constraint: Member must satisfy enum value set: [PublishedVersions, None]`,
		},
		{
			"POST", "/2015-03-31/functions",
			`{"FunctionName":"f","Role":"r1","Code":{"S3Bucket":"bucket","S3Key":"k"}}`,
			`1 validation error detected: Value 'r1' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`,
		},
		{
			"GET", "/2018-10-31/layers?CompatibleRuntime=runtimedoesnotexist",
			``,
			`1 validation error detected: Value 'runtimedoesnotexist' at 'compatibleRuntime' failed to satisfy constraint: Member must satisfy enum value set: [ruby3.5, ruby2.6, dotnetcore1.0, python3.7, nodejs8.10, nasa, ruby2.7, python2.7-greengrass, dotnetcore2.0, python3.8, java21, dotnet6, dotnetcore2.1, python3.9, java11, nodejs6.10, provided, dotnetcore3.1, dotnet8, java25, java17, nodejs, nodejs4.3, java8.al2, go1.x, dotnet10, nodejs20.x, go1.9, byol, nodejs10.x, provided.al2023, nodejs22.x, python3.10, java8, nodejs12.x, python3.11, nodejs24.x, nodejs8.x, python3.12, nodejs14.x, nodejs8.9, nodejs26.x, python3.13, python3.14, nodejs16.x, python3.15, provided.al2, nodejs4.3-edge, nodejs18.x, ruby3.2, python3.4, ruby3.3, ruby3.4, ruby2.5, python3.6, python2.7]`,
		},
		{
			"POST", "/2015-03-31/functions/f/aliases",
			`{"Name":"a","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"$LATEST":0.5}}}`,
			`1 validation error detected: Value '{$LATEST=0.5}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]`,
		},
		{
			"POST", "/2015-03-31/functions/f/aliases",
			`{"Name":"a","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"2":-1.0}}}`,
			`1 validation error detected: Value '{2=-1.0}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]`,
		},
		{
			"POST", "/2015-03-31/functions/f/aliases",
			`{"Name":"a","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"2":2.0}}}`,
			`1 validation error detected: Value '{2=2.0}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]`,
		},
		{
			"DELETE", "/2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A123456789012%3Afunction%3Af",
			``,
			`1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null`,
		},
		{
			"POST", "/2018-10-31/layers/l/versions",
			`{"Content":{"S3Bucket":"bucket","S3Key":"k"},"CompatibleRuntimes":["invalidruntime","invalidruntime2","nodejs20.x"],"CompatibleArchitectures":["invalidarch","x86_64"]}`,
			`2 validation errors detected: Value '[invalidruntime, invalidruntime2, nodejs20.x]' at 'compatibleRuntimes' failed to satisfy constraint: Member must satisfy enum value set: [nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, python3.10, python3.11, java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, nodejs16.x, dotnet10, dotnet8, java11, dotnet6, nodejs18.x, provided.al2, java8.al2]; Value '[invalidarch, x86_64]' at 'compatibleArchitectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]`,
		},
		{
			"POST", "/2018-10-31/layers/l/versions",
			`{"Content":{"S3Bucket":"bucket","S3Key":"k"},"CompatibleRuntimes":["invalidruntime"],"CompatibleArchitectures":["invalidarch"]}`,
			`2 validation errors detected: Value '[invalidruntime]' at 'compatibleRuntimes' failed to satisfy constraint: Member must satisfy enum value set: [nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, python3.10, python3.11, java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, nodejs16.x, dotnet10, dotnet8, java11, dotnet6, nodejs18.x, provided.al2, java8.al2]; Value '[invalidarch]' at 'compatibleArchitectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]`,
		},
	}
}

func parameterMessages() []golden {
	return []golden{
		{
			"POST", "/2015-03-31/functions",
			`{"FunctionName":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","Role":"arn:aws:iam::123456789012:role/r","Code":{"S3Bucket":"bucket","S3Key":"k"}}`,
			`1 validation error detected: Value 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64`,
		},
		{
			"POST", "/2015-03-31/functions",
			`{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{"S3Bucket":"bucket","S3Key":"k"},"Runtime":"PYTHON3.9"}`,
			`Value PYTHON3.9 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, python3.10, python3.11, java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, nodejs16.x, dotnet10, dotnet8, java11, dotnet6, nodejs18.x, provided.al2, java8.al2] or be a valid ARN`,
		},
		{
			"POST", "/2015-03-31/functions",
			`{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{"S3Bucket":"bucket","S3Key":"k"},"Runtime":"non-existent-runtime"}`,
			`Value non-existent-runtime at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, python3.10, python3.11, java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, nodejs16.x, dotnet10, dotnet8, java11, dotnet6, nodejs18.x, provided.al2, java8.al2] or be a valid ARN`,
		},
		{
			"POST", "/2015-03-31/functions",
			`{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{"S3Bucket":"bucket","S3Key":"k"},"Runtime":"dotnetcore3.1"}`,
			`The runtime parameter of dotnetcore3.1 is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.`,
		},
		{
			"POST", "/2015-03-31/functions",
			`{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{"S3Bucket":"bucket","S3Key":"k"},"Runtime":"go1.x"}`,
			`The runtime parameter of go1.x is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.`,
		},
		{
			"POST", "/2015-03-31/functions",
			`{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{"S3Bucket":"bucket","S3Key":"k"},"Runtime":"java8"}`,
			`The runtime parameter of java8 is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.`,
		},
		{
			"POST", "/2015-03-31/functions",
			`{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{"S3Bucket":"bucket","S3Key":"k"},"Runtime":"nodejs12.x"}`,
			`The runtime parameter of nodejs12.x is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.`,
		},
		{
			"POST", "/2015-03-31/functions",
			`{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{"S3Bucket":"bucket","S3Key":"k"},"Runtime":"nodejs14.x"}`,
			`The runtime parameter of nodejs14.x is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.`,
		},
		{
			"POST", "/2015-03-31/functions",
			`{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{"S3Bucket":"bucket","S3Key":"k"},"Runtime":"provided"}`,
			`The runtime parameter of provided is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.`,
		},
		{
			"POST", "/2015-03-31/functions",
			`{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{"S3Bucket":"bucket","S3Key":"k"},"Runtime":"python3.7"}`,
			`The runtime parameter of python3.7 is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.`,
		},
		{
			"POST", "/2015-03-31/functions",
			`{"FunctionName":"f","Role":"arn:aws:iam::123456789012:role/r","Code":{"S3Bucket":"bucket","S3Key":"k"},"Runtime":"ruby2.7"}`,
			`The runtime parameter of ruby2.7 is no longer supported for creating or updating AWS Lambda functions. We recommend you use a supported runtime while creating or updating functions.`,
		},
	}
}
