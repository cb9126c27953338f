package mapping

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// source is what a kind of event source knows of the settings.
type source struct {
	kind      string
	batchSize int  // by default
	positions bool // has a StartingPosition
	required  bool // which must be sent
	shards    bool // read shard by shard, in order
	topics    bool // a Kafka cluster
	onFailure bool // takes a destination for failures
	responses bool // takes FunctionResponseTypes
	pollers   bool // takes a ProvisionedPollerConfig
	access    bool // needs SourceAccessConfigurations
}

// sourceTable returns what is known of a kind; the zero source of others.
func sourceTable(kind string) source {
	for _, s := range []source{
		{kind: hearth.SourceSQS, batchSize: 10, responses: true, pollers: true},
		{kind: hearth.SourceKinesis, batchSize: 100, positions: true, required: true, shards: true, onFailure: true, responses: true},
		{kind: hearth.SourceDynamoDB, batchSize: 100, positions: true, required: true, shards: true, onFailure: true, responses: true},
		{kind: hearth.SourceMSK, batchSize: 100, positions: true, topics: true, onFailure: true, responses: true, pollers: true},
		{kind: hearth.SourceSelfManaged, batchSize: 100, positions: true, topics: true, onFailure: true, responses: true, pollers: true, access: true},
		{kind: hearth.SourceMQ, batchSize: 100, access: true},
		{kind: hearth.SourceDocumentDB, batchSize: 100, positions: true, required: true, access: true},
	} {
		if s.kind == kind {
			return s
		}
	}
	return source{}
}

// sourceOf tells the kind of a source by its ARN or, of a cluster of one's own,
// by its endpoints.
func sourceOf(arn string, cluster *api.SelfManagedEventSource) (source, error) {
	var s source
	switch parts := strings.SplitN(arn, ":", 6); {
	case arn == "" && cluster != nil:
		s = sourceTable(hearth.SourceSelfManaged)
	case cluster == nil && len(parts) == 6:
		s = sourceTable(parts[2])
	}
	if s.kind == "" {
		return s, hearth.Errorf(hearth.ErrInvalid, "Unrecognized event source.")
	}
	return s, nil
}

// position reads what can be said at creation only: where in the source to
// begin, and what of it to read.
func (s source) position(m *hearth.EventSourceMapping, in *api.CreateEventSourceMappingInput) error {
	position, at := api.Value(in.StartingPosition), in.StartingPositionTimestamp
	switch sent := position != "" || !at.IsZero(); {
	case sent && s.kind == hearth.SourceSQS:
		return hearth.Errorf(hearth.ErrInvalid, "StartingPosition is not valid for SQS event sources.")
	case sent && !s.positions:
		return unsupported("startingPosition")
	case position == "" && s.required:
		return hearth.Errorf(hearth.ErrInvalid,
			"1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.")
	case position == "AT_TIMESTAMP" && s.kind == hearth.SourceDynamoDB:
		return hearth.Errorf(hearth.ErrInvalid, "Unsupported starting position for arn type: %s", m.SourceARN)
	case position != "AT_TIMESTAMP" && !at.IsZero():
		return hearth.Errorf(hearth.ErrInvalid, "Timestamp only valid with StartingPosition AT_TIMESTAMP")
	case position == "AT_TIMESTAMP" && at.IsZero():
		return required("startingPositionTimestamp")
	case at.After(time.Now()):
		return hearth.Errorf(hearth.ErrInvalid, "StartingPositionTimestamp cannot be in the future.")
	}
	if position == "" && s.positions {
		position = "TRIM_HORIZON"
	}
	m.StartingPosition, m.StartingTimestamp = position, at.Time
	switch {
	case s.topics && len(in.Topics) == 0:
		return required("topics")
	case !s.topics && in.Topics != nil:
		return unsupported("topics")
	case s.kind == hearth.SourceMQ && len(in.Queues) == 0:
		return required("queues")
	case s.kind != hearth.SourceMQ && in.Queues != nil:
		return unsupported("queues")
	case s.access && len(in.SourceAccessConfigurations) == 0:
		return required("sourceAccessConfigurations")
	case s.kind == hearth.SourceDocumentDB && in.DocumentDBEventSourceConfig == nil:
		return required("documentDBEventSourceConfig")
	}
	return nil
}

// unsupported is AWS's answer to a setting that another kind of source has.
func unsupported(member string) error {
	return hearth.Errorf(hearth.ErrInvalid, "Unsupported '%s' parameter for given event source mapping type.", member)
}

func required(member string) error {
	return hearth.Errorf(hearth.ErrInvalid, "Required '%s' parameter is missing.", member)
}

// defaults sets what a source of this kind has whether it is sent or not.
func (s source) defaults(m *hearth.EventSourceMapping) {
	m.BatchSize = s.batchSize
	if s.responses && !s.topics {
		m.ResponseTypes = []string{}
	}
	switch {
	case s.topics:
		m.Kafka = &hearth.KafkaConsumer{ConsumerGroup: m.UUID}
	case s.kind == hearth.SourceDocumentDB:
		m.DocumentDB = &hearth.DocumentDBSource{FullDocument: "Default"}
	case s.shards:
		m.ParallelizationFactor, m.TumblingWindow, m.Bisect = api.Ptr(1), api.Ptr(0), api.Ptr(false)
		m.MaximumRecordAge, m.MaximumRetryAttempts = api.Ptr(-1), api.Ptr(-1)
	}
	if s.kind == hearth.SourceSQS || s.shards {
		m.BatchWindow = api.Ptr(0)
	}
}

// same reports whether two mappings would read the same things for the same
// function.
func same(a, b *hearth.EventSourceMapping) bool {
	if a.Kind != b.Kind || a.SourceARN != b.SourceARN || a.FunctionARN() != b.FunctionARN() {
		return false
	}
	if a.Kind == hearth.SourceSelfManaged { // one broker of a cluster leads to all of it
		return overlap(a.Topics, b.Topics) && overlap(allBrokers(a), allBrokers(b))
	}
	return slices.Equal(a.Topics, b.Topics) && slices.Equal(a.Queues, b.Queues) &&
		(a.DocumentDB == nil || a.DocumentDB.Database == b.DocumentDB.Database && a.DocumentDB.Collection == b.DocumentDB.Collection)
}

// brokers returns the endpoints of a cluster of one's own, or the ARN of what
// is read.
func brokers(m *hearth.EventSourceMapping) string {
	if m.Kind != hearth.SourceSelfManaged {
		return m.SourceARN
	}
	return strings.Join(allBrokers(m), ",")
}

func allBrokers(m *hearth.EventSourceMapping) []string {
	var all []string
	for _, kind := range slices.Sorted(maps.Keys(m.Endpoints)) {
		all = append(all, m.Endpoints[kind]...)
	}
	return all
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// duplicate is AWS's answer to a mapping like another; the blanks within the
// parentheses are its own.
func duplicate(m, other *hearth.EventSourceMapping) error {
	const advice = " already exists. Please update or delete the existing mapping with UUID "
	var text string
	switch {
	case m.Kind == hearth.SourceSQS:
		text = `An event source mapping with SQS arn (" ` + m.SourceARN + ` ") and function (" ` + m.Function.Function + ` ")`
	case sourceTable(m.Kind).topics:
		text = `An event source mapping with event source ("` + brokers(m) + `"), function ("` + m.FunctionARN() +
			`"), topics ("` + strings.Join(m.Topics, ",") + `")`
	default:
		text = `The event source arn (" ` + m.SourceARN + ` ") and function (" ` + m.Function.Function + ` ") provided mapping`
	}
	return hearth.Errorf(hearth.ErrConflict, "%s", text+advice+other.UUID)
}
