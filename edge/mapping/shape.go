package mapping

import (
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// render shows a mapping as it is now, with the members that AWS shows for its
// kind of source.
func render(m *hearth.EventSourceMapping) *api.EventSourceMappingConfiguration {
	state, _ := m.State(time.Now())
	s := sourceTable(m.Kind)
	out := &api.EventSourceMappingConfiguration{
		UUID: &m.UUID, EventSourceMappingArn: api.Ptr(m.ARN()), FunctionArn: api.Ptr(m.FunctionARN()),
		EventSourceArn: api.Optional(m.SourceARN), State: &state, StateTransitionReason: api.Ptr("USER_INITIATED"),
		LastModified: api.Time{Time: m.LastModified}, BatchSize: &m.BatchSize, MaximumBatchingWindowInSeconds: m.BatchWindow,
		StartingPosition: api.Optional(m.StartingPosition), StartingPositionTimestamp: api.Time{Time: m.StartingTimestamp},
		ParallelizationFactor: m.ParallelizationFactor, MaximumRecordAgeInSeconds: m.MaximumRecordAge,
		MaximumRetryAttempts: m.MaximumRetryAttempts, TumblingWindowInSeconds: m.TumblingWindow, BisectBatchOnFunctionError: m.Bisect,
		FunctionResponseTypes: m.ResponseTypes, Topics: m.Topics, Queues: m.Queues, KMSKeyArn: api.Optional(m.FilterKeyARN),
	}
	if s.shards {
		out.StateTransitionReason = api.Ptr("User action")
	}
	if s.kind != hearth.SourceSQS {
		out.LastProcessingResult = api.Ptr("No records processed")
	}
	if s.onFailure {
		out.DestinationConfig = &api.DestinationConfig{OnFailure: &api.OnFailure{Destination: api.Optional(m.OnFailure)}}
	}
	for _, pattern := range m.Filters {
		if out.FilterCriteria == nil {
			out.FilterCriteria = &api.FilterCriteria{}
		}
		out.FilterCriteria.Filters = append(out.FilterCriteria.Filters, api.Filter{Pattern: &pattern})
	}
	if m.MaximumConcurrency != nil {
		out.ScalingConfig = &api.ScalingConfig{MaximumConcurrency: m.MaximumConcurrency}
	}
	if m.Metrics != nil {
		out.MetricsConfig = &api.EventSourceMappingMetricsConfig{Metrics: m.Metrics}
	}
	if m.LogLevel != "" {
		out.LoggingConfig = &api.EventSourceMappingLoggingConfig{SystemLogLevel: &m.LogLevel}
	}
	renderSource(out, m)
	return out
}

// renderSource shows the settings that only some kinds of sources have.
func renderSource(out *api.EventSourceMappingConfiguration, m *hearth.EventSourceMapping) {
	for _, a := range m.Access {
		out.SourceAccessConfigurations = append(out.SourceAccessConfigurations, api.SourceAccessConfiguration{Type: &a.Type, URI: &a.URI})
	}
	if m.Endpoints != nil {
		out.SelfManagedEventSource = &api.SelfManagedEventSource{Endpoints: m.Endpoints}
	}
	if k := m.Kafka; k != nil && m.Kind == hearth.SourceMSK {
		out.AmazonManagedKafkaEventSourceConfig = &api.AmazonManagedKafkaEventSourceConfig{
			ConsumerGroupId: &k.ConsumerGroup, SchemaRegistryConfig: renderRegistry(k.Registry),
		}
	} else if k != nil {
		out.SelfManagedKafkaEventSourceConfig = &api.SelfManagedKafkaEventSourceConfig{
			ConsumerGroupId: &k.ConsumerGroup, ConsumptionMode: api.Optional(k.ConsumptionMode), SchemaRegistryConfig: renderRegistry(k.Registry),
		}
	}
	if d := m.DocumentDB; d != nil {
		out.DocumentDBEventSourceConfig = &api.DocumentDBEventSourceConfig{
			DatabaseName: &d.Database, CollectionName: api.Optional(d.Collection), FullDocument: &d.FullDocument,
		}
	}
	if p := m.Pollers; p != nil {
		out.ProvisionedPollerConfig = &api.ProvisionedPollerConfig{
			MinimumPollers: p.Minimum, MaximumPollers: p.Maximum, PollerGroupName: api.Optional(p.Group),
		}
	}
}

func renderRegistry(r *hearth.SchemaRegistry) *api.KafkaSchemaRegistryConfig {
	if r == nil {
		return nil
	}
	out := &api.KafkaSchemaRegistryConfig{SchemaRegistryURI: &r.URI, EventRecordFormat: api.Optional(r.RecordFormat)}
	for _, a := range r.Access {
		out.AccessConfigs = append(out.AccessConfigs, api.KafkaSchemaRegistryAccessConfig{Type: &a.Type, URI: &a.URI})
	}
	for _, v := range r.Validate {
		out.SchemaValidationConfigs = append(out.SchemaValidationConfigs, api.KafkaSchemaValidationConfig{Attribute: &v})
	}
	return out
}
