package jetstream_test

import (
	"strings"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/store/records"
	"github.com/hearthd/hearth/store/schema"
)

// content is what the data directory of a release holds.
type content struct {
	latest   *hearth.Function
	versions []*hearth.Function
	aliases  []*hearth.Alias
	layers   []*hearth.LayerVersion // the first was deleted
	rest     func(set *records.Set) []kept
}

var (
	keptName = hearth.Name{Account: "123456789012", Region: "eu-west-1", Function: "kept"}
	keptTime = time.Date(2026, 11, 21, 1, 2, 3, 456e6, time.UTC)
)

const (
	keptAccount, keptRegion = "123456789012", "eu-west-1"

	keptStatement = `{"Sid":"s","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction",` +
		`"Resource":"arn:aws:lambda:eu-west-1:123456789012:function:kept","Condition":{"StringEquals":{"AWS:SourceAccount":"1&<2>"}}}`
)

func ptr[T any](v T) *T { return &v }

// contentOfV1 is that of the first release. Fields that came later are not in it.
func contentOfV1() content {
	latest, one, two := functionOfV1(), functionOfV1(), functionOfV1()
	latest.LastPublished = 2
	one.Version, one.Tags, one.SourceDescription = "1", nil, "first"
	two.Version, two.Tags, two.Environment = "2", nil, map[string]string{} // sent, and empty
	return content{
		latest: latest, versions: []*hearth.Function{one, two},
		aliases: []*hearth.Alias{
			{Function: keptName, Name: "live", Description: "d", Version: "1", Additional: "2", AdditionalWeight: 0.25, RevisionID: "r-live"},
			{Function: keptName, Name: "next", Version: hearth.Latest, RevisionID: "r-next"},
		},
		layers: []*hearth.LayerVersion{layerOfV1(1), layerOfV1(2)},
		rest:   restOfV1,
	}
}

func functionOfV1() *hearth.Function {
	return &hearth.Function{
		Name: keptName, Version: hearth.Latest, ID: "id", Description: "ä <&>", Runtime: "python3.13", Handler: "app.handler",
		Role: "arn:aws:iam::123456789012:role/r", PackageType: hearth.PackageZip,
		Code: hearth.Code{
			Digest: strings.Repeat("a", 64), SHA256: "qqo=", Size: 7, Unzipped: 70, ImageURI: "i",
			S3: &hearth.S3Object{Bucket: "b", Key: "k", Version: "v"}, KMSKey: "arn:kms",
		},
		Image:   &hearth.ImageConfig{EntryPoint: []string{"/e"}, Command: []string{"c"}, WorkingDirectory: "/w"},
		Timeout: 3, MemorySize: 128, EphemeralStorage: 512, Environment: map[string]string{"K": "v"},
		Architectures: []string{"x86_64"}, Layers: []hearth.Layer{{ARN: "arn:l", Digest: strings.Repeat("b", 64), Size: 9, Unzipped: 90}},
		TracingMode: "Active", Logging: hearth.Logging{Format: hearth.LogJSON, Group: "/g", ApplicationLevel: "INFO", SystemLevel: "WARN"},
		DeadLetterTarget: "arn:q", KMSKeyArn: "arn:k", VPCSubnets: []string{"s"}, VPCSecurityGroups: []string{"g"}, VPCIPv6: true,
		SnapStart: "PublishedVersions", TenantIsolation: "PER_TENANT", FileSystems: []hearth.FileSystem{{ARN: "arn:fs", LocalPath: "/mnt/x"}},
		Managed: &hearth.ManagedInstances{ProviderARN: "arn:cp", MaxConcurrency: 4, MemoryPerVCPU: 2.5},
		Durable: &hearth.Durable{ExecutionTimeout: 60, RetentionDays: 3, KMSKeyArn: "arn:dk"},
		Tags:    map[string]string{"team": "a"}, State: hearth.StateActive, StateReason: "r", StateReasonCode: "c",
		Update: hearth.UpdateSuccessful, UpdateReason: "ur", UpdateReasonCode: "uc",
		Generation: "g", RevisionID: "rev", LastModified: keptTime,
	}
}

func layerOfV1(number int64) *hearth.LayerVersion {
	return &hearth.LayerVersion{
		Layer: hearth.LayerName{Account: keptAccount, Region: keptRegion, Layer: "deps"}, Version: number,
		Description: "d", License: "MIT", Runtimes: []string{"python3.13"}, Architectures: []string{"arm64"},
		Code: hearth.Code{Digest: strings.Repeat("c", 64), SHA256: "zMw=", Size: 5, Unzipped: 50}, Created: keptTime,
	}
}

func restOfV1(set *records.Set) []kept {
	id := func(id string) string { return records.Key(keptAccount, keptRegion, id) }
	policy := func(revision string) *schema.Policy {
		return &schema.Policy{
			Document:   schema.Document{Version: "2012-10-17", ID: "default", Statements: []string{keptStatement}},
			RevisionID: revision,
		}
	}
	function, live := records.FunctionKey(keptName, ""), records.FunctionKey(keptName, "live")
	return []kept{
		keep(set, hearth.KindEventInvokeConfig, live, &hearth.EventInvokeConfig{
			Function: keptName, Qualifier: "live", MaximumRetryAttempts: ptr(0), MaximumEventAge: ptr(60),
			OnSuccess: "arn:s", OnFailure: "arn:f", LastModified: keptTime,
		}),
		keep(set, hearth.KindFunctionURL, function, &hearth.FunctionURL{
			Function: keptName, Alias: "live", ID: "abc", AuthType: hearth.URLAuthIAM, InvokeMode: hearth.URLResponseStream,
			CORS: &hearth.CORS{
				AllowCredentials: ptr(true), AllowHeaders: []string{"h"}, AllowMethods: []string{"GET"}, AllowOrigins: []string{"*"},
				ExposeHeaders: []string{"e"}, MaxAge: ptr(9),
			},
			Created: keptTime, Modified: keptTime,
		}),
		keep(set, hearth.KindRuntimeManagement, records.FunctionKey(keptName, "1"), &hearth.RuntimeManagement{
			Function: keptName, Version: "1", UpdateOn: hearth.RuntimeUpdateManual, RuntimeVersionARN: "arn:rt",
		}),
		keep(set, hearth.KindRecursion, function, &hearth.Recursion{Function: keptName, Loop: hearth.RecursionAllow}),
		keep(set, hearth.KindCodeSigningBinding, function, &hearth.CodeSigningBinding{Function: keptName, ConfigARN: "arn:csc"}),
		keep(set, hearth.KindReservedConcurrency, function, &hearth.ReservedConcurrency{Function: keptName, Executions: 5}),
		keep(set, hearth.KindProvisionedConcurrency, live, &hearth.ProvisionedConcurrency{
			Function: keptName, Qualifier: "live", Executions: 2, LastModified: keptTime,
		}),
		keep(set, hearth.KindScalingBounds, live, &hearth.ScalingBounds{Function: keptName, Qualifier: "live", Min: 1, Max: 3}),
		keep(set, hearth.KindFunctionPolicy, live, policy("")),
		keep(set, hearth.KindCodeSigningConfig, id("csc-1"), &hearth.CodeSigningConfig{
			Account: keptAccount, Region: keptRegion, ID: "csc-1", Description: "d", Publishers: []string{"arn:p"},
			Untrusted: hearth.UntrustedEnforce, Tags: map[string]string{"t": "1"}, LastModified: keptTime,
		}),
		keep(set, hearth.KindEventSourceMapping, id("uuid"), mappingOfV1()),
		keep(set, hearth.KindCapacityProvider, id("cp"), &hearth.CapacityProvider{
			Account: keptAccount, Region: keptRegion, Name: "cp", SubnetIDs: []string{"s"}, SecurityGroupIDs: []string{"g"},
			OperatorRole: "arn:role", Architectures: []string{"arm64"}, AllowedTypes: []string{"m7"}, ExcludedTypes: []string{"t2"},
			MaxVCPUs: 12, ScalingMode: "Manual", ScalingPolicies: []hearth.ScalingPolicy{{Metric: "m", Target: 70.5}}, KMSKeyARN: "arn:k",
			Tags: map[string]string{"t": "1"}, PropagateMode: "AWSTags", PropagateTags: map[string]string{"p": "2"},
			SystemLogLevel: "DEBUG", LogGroup: "/cp", LastModified: keptTime,
		}),
		keep(set, hearth.KindLayerPolicy, records.Key(keptAccount, keptRegion, "deps", "2"), policy("r-1")),
	}
}

func mappingOfV1() *hearth.EventSourceMapping {
	return &hearth.EventSourceMapping{
		Account: keptAccount, Region: keptRegion, UUID: "uuid", Function: keptName, Qualifier: "live",
		Kind: hearth.SourceMSK, SourceARN: "arn:msk", Endpoints: map[string][]string{"KAFKA_BOOTSTRAP_SERVERS": {"a:1", "b:2"}},
		Topics: []string{"t"}, Queues: []string{"q"}, Access: []hearth.SourceAccess{{Type: "VPC_SUBNET", URI: "s"}},
		Enabled: true, BatchSize: 10, BatchWindow: ptr(5), StartingPosition: "AT_TIMESTAMP", StartingTimestamp: keptTime,
		Filters: []string{`{"a":[1]}`}, FilterKeyARN: "arn:fk", ResponseTypes: []string{"ReportBatchItemFailures"}, OnFailure: "arn:f",
		ParallelizationFactor: ptr(2), MaximumRecordAge: ptr(-1), MaximumRetryAttempts: ptr(3), TumblingWindow: ptr(4), Bisect: ptr(true),
		MaximumConcurrency: ptr(6), Pollers: &hearth.ProvisionedPollers{Minimum: ptr(1), Maximum: ptr(2), Group: "pg"},
		Kafka: &hearth.KafkaConsumer{ConsumerGroup: "cg", ConsumptionMode: "m", Registry: &hearth.SchemaRegistry{
			URI: "https://r", RecordFormat: "JSON", Access: []hearth.SourceAccess{{Type: "BASIC_AUTH", URI: "u"}}, Validate: []string{"KEY"},
		}},
		DocumentDB: &hearth.DocumentDBSource{Database: "db", Collection: "c", FullDocument: "UpdateLookup"},
		Metrics:    []string{"EventCount"}, LogLevel: "INFO", Tags: map[string]string{"t": "1"}, LastModified: keptTime, Transition: hearth.MappingUpdating,
	}
}
