package api_test

import (
	"strings"
	"testing"
)

// What follows is not in the recordings that messages_test.go holds: the same
// format for values of other kinds.

func TestValidation_SecretsAreNotPrinted(t *testing.T) {
	checkMessage(t, golden{
		"PUT", "/2015-03-31/functions/f/configuration", `{"Environment":{"Variables":{"1BAD":"secret"}}}`,
		"1 validation error detected: Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]",
	}, "ValidationException", "")
}

func TestValidation_MembersOfListsOfStructures(t *testing.T) {
	checkMessage(t, golden{
		"POST", "/2015-03-31/event-source-mappings", `{"FunctionName":"f","SourceAccessConfigurations":[{"Type":"BASIC_AUTH"},{"URI":"#"}]}`,
		"1 validation error detected: Value '#' at 'sourceAccessConfigurations.2.member.uRI' failed to satisfy constraint: Member must satisfy regular expression pattern: [ a-zA-Z0-9-\\/*:_+=.@-]*",
	}, "ValidationException", "")
}

func TestValidation_MissingMembersInTheOrderOfTheModel(t *testing.T) {
	checkMessage(t, golden{
		"POST", "/2015-03-31/functions", `{}`,
		"3 validation errors detected: Value null at 'functionName' failed to satisfy constraint: Member must not be null; Value null at 'role' failed to satisfy constraint: Member must not be null; Value null at 'code' failed to satisfy constraint: Member must not be null",
	}, "ValidationException", "")
}

func TestValidation_OneValueThatBreaksTwoConstraints(t *testing.T) {
	checkMessage(t, golden{
		"GET", "/2015-03-31/functions/f?Qualifier=", "",
		"2 validation errors detected: Value '' at 'qualifier' failed to satisfy constraint: Member must have length greater than or equal to 1; Value '' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: \\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+",
	}, "ValidationException", "")
}

func TestValidation_MapsOfLists(t *testing.T) {
	checkMessage(t, golden{
		"POST", "/2015-03-31/event-source-mappings", `{"FunctionName":"f","SelfManagedEventSource":{"Endpoints":{"KAFKA_BOOTSTRAP_SERVERS":[]}}}`,
		"1 validation error detected: Value '{KAFKA_BOOTSTRAP_SERVERS=[]}' at 'selfManagedEventSource.endpoints' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 10, Member must have length greater than or equal to 1, Member must satisfy constraint: [Member must have length less than or equal to 300, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: (([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\\-]*[a-zA-Z0-9])\\.)*([A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9\\-]*[A-Za-z0-9]):[0-9]{1,5}]]",
	}, "ValidationException", "")
}

func TestValidation_TooManyStructures(t *testing.T) {
	checkMessage(t, golden{
		"PUT", "/2015-03-31/functions/f/configuration",
		`{"FileSystemConfigs":[{"Arn":"arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-0123456789abcdef0","LocalMountPath":"/mnt/a"},{"Arn":"arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-0123456789abcdef0","LocalMountPath":"/mnt/b"}]}`,
		"1 validation error detected: Value '[FileSystemConfig(arn=arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-0123456789abcdef0, localMountPath=/mnt/a, s3FilesConfig=null), FileSystemConfig(arn=arn:aws:elasticfilesystem:us-east-1:123456789012:access-point/fsap-0123456789abcdef0, localMountPath=/mnt/b, s3FilesConfig=null)]' at 'fileSystemConfigs' failed to satisfy constraint: Member must have length less than or equal to 1",
	}, "ValidationException", "")
}

func TestValidation_LongValue_IsCut(t *testing.T) {
	checkMessage(t, golden{
		"PUT", "/2015-03-31/functions/f/configuration", `{"Role":"` + strings.Repeat("ä", 1<<20) + `"}`,
		"1 validation error detected: Value '" + strings.Repeat("ä", 32<<10) + "...' at 'role' failed to satisfy constraint: " +
			"Member must have length less than or equal to 10000",
	}, "ValidationException", "")
}

func TestValidation_NumbersOfTheQuery(t *testing.T) {
	checkMessage(t, golden{
		"GET", "/2015-03-31/functions?MaxItems=0", "",
		"1 validation error detected: Value '0' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1",
	}, "ValidationException", "")
}

func TestValidation_BytesOfABlob(t *testing.T) {
	body := make([]byte, 262145)
	checkMessage(t, golden{
		"POST", "/2025-12-01/durable-execution-callbacks/abcd/succeed", string(body),
		"1 validation error detected: Value at 'result' failed to satisfy constraint: Member must have length less than or equal to 262144",
	}, "ValidationException", "")
}
