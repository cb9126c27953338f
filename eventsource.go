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
	Account   string `json:"Account"`
	Region    string `json:"Region"`
	UUID      string `json:"UUID"`
	Function  Name   `json:"Function"`
	Qualifier string `json:"Qualifier"` // empty, a version or an alias

	Kind      string              `json:"Kind"`      // one of the Source constants
	SourceARN string              `json:"SourceARN"` // empty: SourceSelfManaged
	Endpoints map[string][]string `json:"Endpoints"` // of a self-managed cluster: KAFKA_BOOTSTRAP_SERVERS
	Topics    []string            `json:"Topics"`
	Queues    []string            `json:"Queues"` // of an MQ broker
	Access    []SourceAccess      `json:"Access"`

	Enabled           bool      `json:"Enabled"`
	BatchSize         int       `json:"BatchSize"`
	BatchWindow       *int      `json:"BatchWindow"`       // seconds
	StartingPosition  string    `json:"StartingPosition"`  // TRIM_HORIZON, LATEST, AT_TIMESTAMP or empty
	StartingTimestamp time.Time `json:"StartingTimestamp"` // with AT_TIMESTAMP
	Filters           []string  `json:"Filters"`           // patterns; a record needs to match one
	FilterKeyARN      string    `json:"FilterKeyARN"`      // KMSKeyArn
	ResponseTypes     []string  `json:"ResponseTypes"`     // ReportBatchItemFailures
	OnFailure         string    `json:"OnFailure"`         // destination ARN

	ParallelizationFactor *int  `json:"ParallelizationFactor"`
	MaximumRecordAge      *int  `json:"MaximumRecordAge"`     // seconds; -1: for ever
	MaximumRetryAttempts  *int  `json:"MaximumRetryAttempts"` // -1: for ever
	TumblingWindow        *int  `json:"TumblingWindow"`       // seconds
	Bisect                *bool `json:"Bisect"`
	MaximumConcurrency    *int  `json:"MaximumConcurrency"` // of a queue

	Pollers    *ProvisionedPollers `json:"Pollers"`
	Kafka      *KafkaConsumer      `json:"Kafka"`
	DocumentDB *DocumentDBSource   `json:"DocumentDB"`
	Metrics    []string            `json:"Metrics"`  // nil: not set
	LogLevel   string              `json:"LogLevel"` // of the system; Kafka only

	Tags         map[string]string `json:"Tags"`
	LastModified time.Time         `json:"LastModified"`
	// Transition is the state that LastModified began, and which ends by
	// itself: see State. Empty: it had none.
	Transition string `json:"Transition"`
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
type SourceAccess struct {
	Type string `json:"Type"`
	URI  string `json:"URI"`
}

// ProvisionedPollers keeps pollers running ahead of demand.
type ProvisionedPollers struct {
	Minimum *int   `json:"Minimum"`
	Maximum *int   `json:"Maximum"`
	Group   string `json:"Group"`
}

// KafkaConsumer is how a cluster's topics are read.
type KafkaConsumer struct {
	ConsumerGroup   string          `json:"ConsumerGroup"`
	ConsumptionMode string          `json:"ConsumptionMode"`
	Registry        *SchemaRegistry `json:"Registry"`
}

// SchemaRegistry is where the schemas of Kafka records are.
type SchemaRegistry struct {
	URI          string         `json:"URI"`
	RecordFormat string         `json:"RecordFormat"`
	Access       []SourceAccess `json:"Access"`
	Validate     []string       `json:"Validate"` // attributes: KEY, VALUE
}

// DocumentDBSource is what of a DocumentDB cluster is read.
type DocumentDBSource struct {
	Database     string `json:"Database"`
	Collection   string `json:"Collection"`
	FullDocument string `json:"FullDocument"`
}
