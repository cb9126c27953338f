package hearth

import "time"

// Kinds of event sources: the service in the source's ARN, but for clusters of
// one's own, which have none.
const (
	SourceSQS         = "sqs"
	SourceKinesis     = "kinesis"
	SourceDynamoDB    = "dynamodb"
	SourceMSK         = "kafka"
	SourceMQ          = "mq"
	SourceDocumentDB  = "rds"
	SourceSelfManaged = "self-managed-kafka"
)

// States of an EventSourceMapping, in AWS's spelling.
const (
	MappingCreating  = "Creating"
	MappingEnabling  = "Enabling"
	MappingEnabled   = "Enabled"
	MappingDisabling = "Disabling"
	MappingDisabled  = "Disabled"
	MappingUpdating  = "Updating"
	MappingDeleting  = "Deleting"
)

// EventSourceMapping has a function invoked with batches of what arrives at a
// queue, a stream or a topic. It is a value; holders of a copy never see it
// change. Pointers and empty fields are settings that were not sent and have no
// default for the kind of source.
type EventSourceMapping struct {
	Account, Region string
	UUID            string
	Function        Name
	Qualifier       string // empty, a version or an alias

	Kind      string              // one of the Source constants
	SourceARN string              // empty: SourceSelfManaged
	Endpoints map[string][]string // of a self-managed cluster: KAFKA_BOOTSTRAP_SERVERS
	Topics    []string
	Queues    []string // of an MQ broker
	Access    []SourceAccess

	Enabled           bool
	BatchSize         int
	BatchWindow       *int      // seconds
	StartingPosition  string    // TRIM_HORIZON, LATEST, AT_TIMESTAMP or empty
	StartingTimestamp time.Time // with AT_TIMESTAMP
	Filters           []string  // patterns; a record needs to match one
	FilterKeyARN      string    // KMSKeyArn
	ResponseTypes     []string  // ReportBatchItemFailures
	OnFailure         string    // destination ARN

	ParallelizationFactor *int
	MaximumRecordAge      *int // seconds; -1: for ever
	MaximumRetryAttempts  *int // -1: for ever
	TumblingWindow        *int // seconds
	Bisect                *bool
	MaximumConcurrency    *int // of a queue

	Pollers    *ProvisionedPollers
	Kafka      *KafkaConsumer
	DocumentDB *DocumentDBSource
	Metrics    []string // nil: not set
	LogLevel   string   // of the system; Kafka only

	Tags         map[string]string
	LastModified time.Time
	// Transition is the state that LastModified began, and which ends by
	// itself: see State. Empty: it had none.
	Transition string
}

// MappingSettles is how long a mapping stays in a state between others, such as
// MappingCreating. On AWS it is seconds to minutes.
const MappingSettles = 300 * time.Millisecond

// State returns the mapping's state at a time. A mapping that MappingDeleting
// is over for is gone, whether its record is there or not.
func (m *EventSourceMapping) State(now time.Time) (state string, gone bool) {
	settled := now.Sub(m.LastModified) >= MappingSettles
	switch {
	case m.Transition != "" && !settled:
		return m.Transition, false
	case m.Transition == MappingDeleting:
		return m.Transition, true
	case m.Enabled:
		return MappingEnabled, false
	default:
		return MappingDisabled, false
	}
}

// ARN returns the mapping's own ARN.
func (m *EventSourceMapping) ARN() string {
	return "arn:" + Partition(m.Region) + ":lambda:" + m.Region + ":" + m.Account + ":event-source-mapping:" + m.UUID
}

// FunctionARN returns the ARN of what the mapping invokes, as it was named.
func (m *EventSourceMapping) FunctionARN() string { return m.Function.ARN(m.Qualifier) }

// SourceAccess is a way to reach an event source: a secret, a subnet.
type SourceAccess struct{ Type, URI string }

// ProvisionedPollers keeps pollers running ahead of demand.
type ProvisionedPollers struct {
	Minimum, Maximum *int
	Group            string
}

// KafkaConsumer is how a cluster's topics are read.
type KafkaConsumer struct {
	ConsumerGroup   string
	ConsumptionMode string
	Registry        *SchemaRegistry
}

// SchemaRegistry is where the schemas of Kafka records are.
type SchemaRegistry struct {
	URI          string
	RecordFormat string
	Access       []SourceAccess
	Validate     []string // attributes: KEY, VALUE
}

// DocumentDBSource is what of a DocumentDB cluster is read.
type DocumentDBSource struct {
	Database, Collection, FullDocument string
}
