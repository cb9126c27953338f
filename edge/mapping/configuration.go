package mapping

import (
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// settingsOf returns the members of a creation that an update has too.
func settingsOf(in *api.CreateEventSourceMappingInput) *api.UpdateEventSourceMappingInput {
	return &api.UpdateEventSourceMappingInput{
		Enabled: in.Enabled, BatchSize: in.BatchSize, FilterCriteria: in.FilterCriteria, KMSKeyArn: in.KMSKeyArn,
		MetricsConfig: in.MetricsConfig, LoggingConfig: in.LoggingConfig, ScalingConfig: in.ScalingConfig,
		MaximumBatchingWindowInSeconds: in.MaximumBatchingWindowInSeconds, ParallelizationFactor: in.ParallelizationFactor,
		DestinationConfig: in.DestinationConfig, MaximumRecordAgeInSeconds: in.MaximumRecordAgeInSeconds,
		BisectBatchOnFunctionError: in.BisectBatchOnFunctionError, MaximumRetryAttempts: in.MaximumRetryAttempts,
		TumblingWindowInSeconds: in.TumblingWindowInSeconds, SourceAccessConfigurations: in.SourceAccessConfigurations,
		FunctionResponseTypes:               in.FunctionResponseTypes,
		AmazonManagedKafkaEventSourceConfig: in.AmazonManagedKafkaEventSourceConfig,
		SelfManagedKafkaEventSourceConfig:   in.SelfManagedKafkaEventSourceConfig,
		DocumentDBEventSourceConfig:         in.DocumentDBEventSourceConfig, ProvisionedPollerConfig: in.ProvisionedPollerConfig,
	}
}

// apply changes a mapping to the settings that are sent, and checks that they
// go with its source and with each other.
func (s source) apply(m *hearth.EventSourceMapping, in *api.UpdateEventSourceMappingInput) error {
	if err := s.supports(in); err != nil {
		return err
	}
	set(&m.Enabled, in.Enabled)
	set(&m.BatchSize, in.BatchSize)
	set(&m.FilterKeyARN, in.KMSKeyArn)
	replace(&m.BatchWindow, in.MaximumBatchingWindowInSeconds)
	replace(&m.ParallelizationFactor, in.ParallelizationFactor)
	replace(&m.MaximumRecordAge, in.MaximumRecordAgeInSeconds)
	replace(&m.MaximumRetryAttempts, in.MaximumRetryAttempts)
	replace(&m.TumblingWindow, in.TumblingWindowInSeconds)
	replace(&m.Bisect, in.BisectBatchOnFunctionError)
	if in.FunctionResponseTypes != nil {
		m.ResponseTypes = in.FunctionResponseTypes
	}
	if in.DestinationConfig != nil {
		m.OnFailure = ""
		if in.DestinationConfig.OnFailure != nil {
			m.OnFailure = api.Value(in.DestinationConfig.OnFailure.Destination)
		}
	}
	if in.ScalingConfig != nil {
		m.MaximumConcurrency = in.ScalingConfig.MaximumConcurrency // an empty object takes the bound away
	}
	if in.MetricsConfig != nil {
		m.Metrics = in.MetricsConfig.Metrics
	}
	if in.LoggingConfig != nil {
		m.LogLevel = api.Value(in.LoggingConfig.SystemLogLevel)
	}
	s.applySource(m, in)
	if err := applyFilters(m, in.FilterCriteria); err != nil {
		return err
	}
	return check(m)
}

func set[T any](to *T, sent *T) {
	if sent != nil {
		*to = *sent
	}
}

func replace[T any](to **T, sent *T) {
	if sent != nil {
		*to = sent
	}
}

// applySource applies the settings that only some kinds of sources have.
func (s source) applySource(m *hearth.EventSourceMapping, in *api.UpdateEventSourceMappingInput) {
	if in.SourceAccessConfigurations != nil {
		m.Access = nil
		for _, a := range in.SourceAccessConfigurations {
			m.Access = append(m.Access, hearth.SourceAccess{Type: api.Value(a.Type), URI: api.Value(a.URI)})
		}
	}
	if c := in.AmazonManagedKafkaEventSourceConfig; c != nil {
		set(&m.Kafka.ConsumerGroup, c.ConsumerGroupId)
		m.Kafka.Registry = registryOf(c.SchemaRegistryConfig)
	}
	if c := in.SelfManagedKafkaEventSourceConfig; c != nil {
		set(&m.Kafka.ConsumerGroup, c.ConsumerGroupId)
		set(&m.Kafka.ConsumptionMode, c.ConsumptionMode)
		m.Kafka.Registry = registryOf(c.SchemaRegistryConfig)
	}
	if c := in.DocumentDBEventSourceConfig; c != nil {
		set(&m.DocumentDB.Database, c.DatabaseName)
		set(&m.DocumentDB.Collection, c.CollectionName)
		set(&m.DocumentDB.FullDocument, c.FullDocument)
	}
	if c := in.ProvisionedPollerConfig; c != nil {
		m.Pollers = &hearth.ProvisionedPollers{Minimum: c.MinimumPollers, Maximum: c.MaximumPollers, Group: api.Value(c.PollerGroupName)}
		if *m.Pollers == (hearth.ProvisionedPollers{}) {
			m.Pollers = nil // an empty object turns it off
		}
	}
}

func registryOf(c *api.KafkaSchemaRegistryConfig) *hearth.SchemaRegistry {
	if c == nil || c.SchemaRegistryURI == nil {
		return nil
	}
	r := &hearth.SchemaRegistry{URI: *c.SchemaRegistryURI, RecordFormat: api.Value(c.EventRecordFormat)}
	for _, a := range c.AccessConfigs {
		r.Access = append(r.Access, hearth.SourceAccess{Type: api.Value(a.Type), URI: api.Value(a.URI)})
	}
	for _, v := range c.SchemaValidationConfigs {
		r.Validate = append(r.Validate, api.Value(v.Attribute))
	}
	return r
}

// supports refuses settings that sources of this kind do not have.
func (s source) supports(in *api.UpdateEventSourceMappingInput) error {
	if in.DestinationConfig != nil && (!s.onFailure || in.DestinationConfig.OnSuccess != nil && in.DestinationConfig.OnSuccess.Destination != nil) {
		return hearth.Errorf(hearth.ErrInvalid, "Unsupported DestinationConfig parameter for given event source mapping type.")
	}
	for _, member := range []struct {
		name string
		sent bool
		has  bool
	}{
		{"parallelizationFactor", in.ParallelizationFactor != nil, s.shards},
		{"tumblingWindowInSeconds", in.TumblingWindowInSeconds != nil, s.shards},
		{"maximumRecordAgeInSeconds", in.MaximumRecordAgeInSeconds != nil, s.shards || s.topics},
		{"maximumRetryAttempts", in.MaximumRetryAttempts != nil, s.shards || s.topics},
		{"bisectBatchOnFunctionError", in.BisectBatchOnFunctionError != nil, s.shards || s.topics},
		{"functionResponseTypes", len(in.FunctionResponseTypes) > 0, s.responses},
		{"scalingConfig", in.ScalingConfig != nil, s.kind == hearth.SourceSQS},
		{"provisionedPollerConfig", in.ProvisionedPollerConfig != nil, s.pollers},
		{"loggingConfig", in.LoggingConfig != nil, s.topics},
		{"sourceAccessConfigurations", len(in.SourceAccessConfigurations) > 0, s.access || s.topics},
		{"amazonManagedKafkaEventSourceConfig", in.AmazonManagedKafkaEventSourceConfig != nil, s.kind == hearth.SourceMSK},
		{"selfManagedKafkaEventSourceConfig", in.SelfManagedKafkaEventSourceConfig != nil, s.kind == hearth.SourceSelfManaged},
		{"documentDBEventSourceConfig", in.DocumentDBEventSourceConfig != nil, s.kind == hearth.SourceDocumentDB},
	} {
		if member.sent && !member.has {
			return unsupported(member.name)
		}
	}
	return nil
}

// check refuses settings that do not go with each other.
func check(m *hearth.EventSourceMapping) error {
	if m.Kind != hearth.SourceSQS {
		return checkPollers(m)
	}
	window := api.Value(m.BatchWindow)
	switch fifo := strings.HasSuffix(m.SourceARN, ".fifo"); {
	case fifo && window > 0:
		return unsupported("maximumBatchingWindowInSeconds")
	case fifo && m.BatchSize > 10:
		return hearth.Errorf(hearth.ErrInvalid, "Maximum batch size cannot be greater than 10 for FIFO queues.")
	case m.BatchSize > 10 && window == 0:
		return hearth.Errorf(hearth.ErrInvalid, "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10")
	case m.MaximumConcurrency != nil && m.Pollers != nil:
		return hearth.Errorf(hearth.ErrInvalid, "MaximumConcurrency cannot be used together with ProvisionedPollerConfig.")
	}
	return checkPollers(m)
}

func checkPollers(m *hearth.EventSourceMapping) error {
	if p := m.Pollers; p != nil && p.Minimum != nil && p.Maximum != nil && *p.Minimum > *p.Maximum {
		return hearth.Errorf(hearth.ErrInvalid, "MinimumPollers cannot be greater than MaximumPollers.")
	}
	return nil
}
