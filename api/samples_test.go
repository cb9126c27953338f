package api_test

import "strings"

// sampleString returns a value that the model allows for a member, which is
// given as Type.Member.
func sampleString(member string) string {
	const (
		lambdaARN = "arn:aws:lambda:us-east-1:123456789012:"
		function  = lambdaARN + "function:f"
		config    = lambdaARN + "code-signing-config:csc-0123456789abcdefg"
		mapping   = "01234567-89ab-cdef-0123-456789abcdef"
	)
	samples := map[string]string{
		"Action":                                  "lambda:GetLayerVersion",
		"KafkaSchemaRegistryAccessConfig.URI":     "arn:aws:secretsmanager:us-east-1:123456789012:secret:s",
		"AdditionalVersionWeights.key":            "1",
		"AllowMethods":                            "GET",
		"Arn":                                     lambdaARN + "layer:l:1",
		"CapacityProviderArn":                     lambdaARN + "capacity-provider:c",
		"CapacityProviderOperatorRoleArn":         "arn:aws:iam::123456789012:role/r",
		"CodeSigningConfigArn":                    config,
		"Destination":                             "arn:aws:sqs:us-east-1:123456789012:q",
		"DurableExecutionArn":                     function + ":1/durable-execution/name/id",
		"EventSourceArn":                          "arn:aws:sqs:us-east-1:123456789012:q",
		"FileSystemConfig.Arn":                    "arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-0123456789abcdef0",
		"GetFunctionScalingConfigInput.Qualifier": "1",
		"PutFunctionScalingConfigInput.Qualifier": "1",
		"FunctionVersion":                         "1",
		"KMSKeyArn":                               "arn:aws:kms:us-east-1:123456789012:key/k",
		"KmsKeyArn":                               "arn:aws:kms:us-east-1:123456789012:key/k",
		"Layers":                                  lambdaARN + "layer:l:1",
		"LocalMountPath":                          "/mnt/data",
		"MasterRegion":                            "ALL",
		"OrganizationId":                          "o-0123456789",
		"Principal":                               "123456789012",
		"PrincipalOrgID":                          "o-0123456789",
		"Resource":                                function,
		"Role":                                    "arn:aws:iam::123456789012:role/r",
		"RuntimeVersionArn":                       "arn:aws:lambda:us-east-1::runtime:0123456789abcdef",
		"S3Bucket":                                "bucket",
		"SecurityGroupIds":                        "sg-0",
		"SigningProfileVersionArns":               "arn:aws:signer:us-east-1:123456789012:/signing-profiles/p/v",
		"SourceAccount":                           "123456789012",
		"SourceArn":                               "arn:aws:s3:us-east-1:123456789012:bucket",
		"SourceKMSKeyArn":                         "arn:aws:kms:us-east-1:123456789012:key/k",
		"SubnetIds":                               "subnet-0",
		"TargetArn":                               "arn:aws:sqs:us-east-1:123456789012:q",
		"UUID":                                    mapping,
		"Endpoints":                               "broker:9092",
		"Endpoints.key":                           "KAFKA_BOOTSTRAP_SERVERS",
		"Ids":                                     mapping,
	}
	if s, ok := samples[member]; ok {
		return s
	}
	_, name, _ := strings.Cut(member, ".")
	if s, ok := samples[name]; ok {
		return s
	}
	return "example"
}

func sampleNumber(member string) int64 {
	samples := map[string]int64{
		"MaximumEventAgeInSeconds":             60,
		"MemorySize":                           128,
		"Size":                                 512,
		"Status":                               202,
		"StatusCode":                           202,
		"ExecutionEnvironmentMemoryGiBPerVCpu": 4,
	}
	_, name, _ := strings.Cut(member, ".")
	if n, ok := samples[name]; ok {
		return n
	}
	return 2
}
