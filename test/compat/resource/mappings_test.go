package resource_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"

	"github.com/hearthd/hearth"
)

const (
	queue  = "arn:aws:sqs:us-east-1:000000000000:q"
	stream = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
	table  = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026-01-01T00:00:00.000"
)

func (f *fixture) createMapping(in *lambda.CreateEventSourceMappingInput) *lambda.CreateEventSourceMappingOutput {
	f.Helper()
	if in.FunctionName == nil {
		in.FunctionName = aws.String("f")
	}
	return ok[*lambda.CreateEventSourceMappingOutput](f)(f.CreateEventSourceMapping(f.Context(), in))
}

func (f *fixture) mapping(uuid *string) *lambda.GetEventSourceMappingOutput {
	f.Helper()
	return ok[*lambda.GetEventSourceMappingOutput](f)(f.GetEventSourceMapping(f.Context(), &lambda.GetEventSourceMappingInput{UUID: uuid}))
}

func TestMapping_States_MoveByThemselves(t *testing.T) {
	serve(t, func(f *fixture) {
		ctx := f.Context()
		created := f.createMapping(&lambda.CreateEventSourceMappingInput{EventSourceArn: aws.String(queue)})
		state := func(want string) {
			f.Helper()
			if got := f.mapping(created.UUID).State; *got != want {
				f.Errorf("state %s, want %s", *got, want)
			}
		}
		update := func(in *lambda.UpdateEventSourceMappingInput) {
			f.Helper()
			in.UUID = created.UUID
			ok[*lambda.UpdateEventSourceMappingOutput](f)(f.UpdateEventSourceMapping(ctx, in))
		}
		if *created.State != "Creating" || *created.StateTransitionReason != "USER_INITIATED" {
			f.Errorf("created: %+v", created)
		}
		_, err := f.DeleteEventSourceMapping(ctx, &lambda.DeleteEventSourceMappingInput{UUID: created.UUID})
		f.refused(err, "ResourceInUseException", "Cannot delete the event source mapping because it is in use.")
		f.pass(hearth.MappingSettles)
		state("Enabled")
		update(&lambda.UpdateEventSourceMappingInput{Enabled: aws.Bool(false)})
		state("Disabling")
		f.pass(hearth.MappingSettles)
		f.open() // a restart
		state("Disabled")
		update(&lambda.UpdateEventSourceMappingInput{BatchSize: aws.Int32(5)})
		state("Updating")
		f.pass(hearth.MappingSettles)
		state("Disabled")
		update(&lambda.UpdateEventSourceMappingInput{Enabled: aws.Bool(true)})
		state("Enabling")
		f.pass(hearth.MappingSettles)
		deleted := ok[*lambda.DeleteEventSourceMappingOutput](f)(f.DeleteEventSourceMapping(ctx, &lambda.DeleteEventSourceMappingInput{UUID: created.UUID}))
		if *deleted.State != "Deleting" || *deleted.BatchSize != 5 {
			f.Errorf("deleted: %+v", deleted)
		}
		_, err = f.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: created.UUID})
		f.refused(err, "ResourceNotFoundException", "The resource you requested does not exist.")
	})
}

func TestMapping_OfStream_IsDeletedInAMoment(t *testing.T) {
	serve(t, func(f *fixture) {
		ctx := f.Context()
		uuid := f.createMapping(&lambda.CreateEventSourceMappingInput{EventSourceArn: aws.String(stream), StartingPosition: types.EventSourcePositionLatest}).UUID
		f.pass(hearth.MappingSettles)
		ok[*lambda.DeleteEventSourceMappingOutput](f)(f.DeleteEventSourceMapping(ctx, &lambda.DeleteEventSourceMappingInput{UUID: uuid}))
		if got := f.mapping(uuid).State; *got != "Deleting" {
			f.Errorf("state %s, want Deleting", *got)
		}
		f.pass(hearth.MappingSettles)
		_, err := f.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: uuid})
		f.refused(err, "ResourceNotFoundException", "The resource you requested does not exist.")
	})
}

func TestMapping_OfQueue_HasAWSDefaults(t *testing.T) {
	serve(t, func(f *fixture) {
		m := f.createMapping(&lambda.CreateEventSourceMappingInput{EventSourceArn: aws.String(queue), FunctionName: aws.String("f:live"), Enabled: aws.Bool(false)})
		want := types.EventSourceMappingConfiguration{
			UUID: m.UUID, EventSourceMappingArn: aws.String(lambdas + "event-source-mapping:" + *m.UUID), EventSourceArn: aws.String(queue),
			FunctionArn: aws.String(arnF + ":live"), State: aws.String("Disabled"), StateTransitionReason: aws.String("USER_INITIATED"),
			BatchSize: aws.Int32(10), MaximumBatchingWindowInSeconds: aws.Int32(0), FunctionResponseTypes: []types.FunctionResponseType{},
			LastModified: m.LastModified,
		}
		f.shows(m.UUID, want)
	})
}

// shows checks a mapping, as a list has it.
func (f *fixture) shows(uuid *string, want types.EventSourceMappingConfiguration) {
	f.Helper()
	list := ok[*lambda.ListEventSourceMappingsOutput](f)(f.ListEventSourceMappings(f.Context(), &lambda.ListEventSourceMappingsInput{}))
	for _, m := range list.EventSourceMappings {
		if *m.UUID != *uuid {
			continue
		}
		if diff := cmp.Diff(want, m, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }), cmp.FilterPath(func(p cmp.Path) bool {
			return p.Last().String() == ".noSmithyDocumentSerde"
		}, cmp.Ignore())); diff != "" {
			f.Errorf("mapping (-want +got):\n%s", diff)
		}
		return
	}
	f.Errorf("%s is not listed", *uuid)
}

func TestMapping_OfStream_HasAWSDefaults(t *testing.T) {
	serve(t, func(f *fixture) {
		m := f.createMapping(&lambda.CreateEventSourceMappingInput{EventSourceArn: aws.String(stream), StartingPosition: types.EventSourcePositionLatest})
		f.pass(hearth.MappingSettles)
		f.shows(m.UUID, types.EventSourceMappingConfiguration{
			UUID: m.UUID, EventSourceMappingArn: m.EventSourceMappingArn, EventSourceArn: aws.String(stream), FunctionArn: aws.String(arnF),
			State: aws.String("Enabled"), StateTransitionReason: aws.String("User action"), LastProcessingResult: aws.String("No records processed"),
			StartingPosition: types.EventSourcePositionLatest, BatchSize: aws.Int32(100), MaximumBatchingWindowInSeconds: aws.Int32(0),
			ParallelizationFactor: aws.Int32(1), TumblingWindowInSeconds: aws.Int32(0), BisectBatchOnFunctionError: aws.Bool(false),
			MaximumRecordAgeInSeconds: aws.Int32(-1), MaximumRetryAttempts: aws.Int32(-1), FunctionResponseTypes: []types.FunctionResponseType{},
			DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{}}, LastModified: m.LastModified,
		})
	})
}

func TestMapping_OfKafka_IsEchoed(t *testing.T) {
	serve(t, func(f *fixture) {
		in := &lambda.CreateEventSourceMappingInput{
			SelfManagedEventSource: &types.SelfManagedEventSource{Endpoints: map[string][]string{"KAFKA_BOOTSTRAP_SERVERS": {"kafka:1000", "kafka:2000"}}},
			Topics:                 []string{"topic"},
		}
		in.FunctionName = aws.String("f")
		_, err := f.CreateEventSourceMapping(f.Context(), in)
		f.refused(err, "InvalidParameterValueException", "Required 'sourceAccessConfigurations' parameter is missing.")
		in.SourceAccessConfigurations = []types.SourceAccessConfiguration{{Type: types.SourceAccessTypeBasicAuth, URI: aws.String("arn:aws:secretsmanager:us-east-1:000000000000:secret:x")}}
		m := f.createMapping(in)
		if *m.SelfManagedKafkaEventSourceConfig.ConsumerGroupId != *m.UUID || m.StartingPosition != types.EventSourcePositionTrimHorizon ||
			len(m.SelfManagedEventSource.Endpoints["KAFKA_BOOTSTRAP_SERVERS"]) != 2 || len(m.SourceAccessConfigurations) != 1 || *m.BatchSize != 100 {
			f.Errorf("created: %+v", m)
		}
		_, err = f.CreateEventSourceMapping(f.Context(), in)
		f.refused(err, "ResourceConflictException", `An event source mapping with event source ("kafka:1000,kafka:2000"), function ("`+arnF+
			`"), topics ("topic") already exists. Please update or delete the existing mapping with UUID `+*m.UUID)
	})
}

func TestMapping_OfBrokersAndDatabases_IsEchoed(t *testing.T) {
	serve(t, func(f *fixture) {
		access := []types.SourceAccessConfiguration{{Type: types.SourceAccessTypeBasicAuth, URI: aws.String("arn:aws:secretsmanager:us-east-1:000000000000:secret:x")}}
		mq := f.createMapping(&lambda.CreateEventSourceMappingInput{
			EventSourceArn: aws.String("arn:aws:mq:us-east-1:000000000000:broker:b:b-1"), Queues: []string{"q"}, SourceAccessConfigurations: access,
		})
		if diff := cmp.Diff([]string{"q"}, mq.Queues); diff != "" || mq.StartingPosition != "" {
			f.Errorf("mq: %+v", mq)
		}
		db := f.createMapping(&lambda.CreateEventSourceMappingInput{
			EventSourceArn: aws.String("arn:aws:rds:us-east-1:000000000000:cluster:c"), StartingPosition: types.EventSourcePositionLatest,
			DocumentDBEventSourceConfig: &types.DocumentDBEventSourceConfig{DatabaseName: aws.String("d")}, SourceAccessConfigurations: access,
		})
		if c := db.DocumentDBEventSourceConfig; *c.DatabaseName != "d" || c.CollectionName != nil || c.FullDocument != types.FullDocumentDefault {
			f.Errorf("documentdb: %+v", c)
		}
		msk := f.createMapping(&lambda.CreateEventSourceMappingInput{
			EventSourceArn: aws.String("arn:aws:kafka:us-east-1:000000000000:cluster/c/1"), Topics: []string{"topic"},
			AmazonManagedKafkaEventSourceConfig: &types.AmazonManagedKafkaEventSourceConfig{ConsumerGroupId: aws.String("group")},
			ProvisionedPollerConfig:             &types.ProvisionedPollerConfig{MinimumPollers: aws.Int32(1), MaximumPollers: aws.Int32(3)},
		})
		if *msk.AmazonManagedKafkaEventSourceConfig.ConsumerGroupId != "group" || *msk.ProvisionedPollerConfig.MaximumPollers != 3 {
			f.Errorf("msk: %+v", msk)
		}
	})
}

func TestMapping_List_FiltersAndPages(t *testing.T) {
	serve(t, func(f *fixture) {
		ctx := f.Context()
		for _, fn := range []string{"f", "f:live", "g"} {
			f.createMapping(&lambda.CreateEventSourceMappingInput{EventSourceArn: aws.String(queue), FunctionName: &fn})
		}
		f.createMapping(&lambda.CreateEventSourceMappingInput{EventSourceArn: aws.String(queue + "2")})
		count := func(in *lambda.ListEventSourceMappingsInput) (n int) {
			in.MaxItems = aws.Int32(1)
			for pages := lambda.NewListEventSourceMappingsPaginator(f.Client, in); pages.HasMorePages(); {
				n += len(ok[*lambda.ListEventSourceMappingsOutput](f)(pages.NextPage(ctx)).EventSourceMappings)
			}
			return n
		}
		got := []int{
			count(&lambda.ListEventSourceMappingsInput{}),
			count(&lambda.ListEventSourceMappingsInput{FunctionName: aws.String("f")}),
			count(&lambda.ListEventSourceMappingsInput{FunctionName: aws.String(arnF + ":live")}),
			count(&lambda.ListEventSourceMappingsInput{EventSourceArn: aws.String(queue)}),
			count(&lambda.ListEventSourceMappingsInput{EventSourceArn: aws.String(queue), FunctionName: aws.String("f")}),
		}
		if diff := cmp.Diff([]int{4, 2, 1, 3, 1}, got); diff != "" {
			f.Error(diff)
		}
	})
}

func TestMapping_DeletedOne_CanBeCreatedAgain(t *testing.T) {
	serve(t, func(f *fixture) {
		in := &lambda.CreateEventSourceMappingInput{EventSourceArn: aws.String(queue), FunctionName: aws.String("f")}
		first := f.createMapping(in)
		_, err := f.CreateEventSourceMapping(f.Context(), in)
		f.refused(err, "ResourceConflictException", `An event source mapping with SQS arn (" `+queue+
			` ") and function (" f ") already exists. Please update or delete the existing mapping with UUID `+*first.UUID)
		f.pass(hearth.MappingSettles)
		ok[*lambda.DeleteEventSourceMappingOutput](f)(f.DeleteEventSourceMapping(f.Context(), &lambda.DeleteEventSourceMappingInput{UUID: first.UUID}))
		f.pass(hearth.MappingSettles)
		if again := f.createMapping(in); *again.UUID == *first.UUID {
			f.Error("the same UUID again")
		}
	})
}

func TestMapping_Update_KeepsAndClears(t *testing.T) {
	serve(t, func(f *fixture) {
		pattern := `{"body":{"kind":["order",{"prefix":"x"}]}}`
		m := f.createMapping(&lambda.CreateEventSourceMappingInput{
			EventSourceArn: aws.String(queue), ScalingConfig: &types.ScalingConfig{MaximumConcurrency: aws.Int32(5)},
			FilterCriteria:        &types.FilterCriteria{Filters: []types.Filter{{Pattern: &pattern}}},
			FunctionResponseTypes: []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures},
		})
		f.pass(hearth.MappingSettles)
		kept := ok[*lambda.UpdateEventSourceMappingOutput](f)(f.UpdateEventSourceMapping(f.Context(), &lambda.UpdateEventSourceMappingInput{UUID: m.UUID, FunctionName: aws.String("g")}))
		if *kept.FunctionArn != lambdas+"function:g" || *kept.ScalingConfig.MaximumConcurrency != 5 || *kept.FilterCriteria.Filters[0].Pattern != pattern || len(kept.FunctionResponseTypes) != 1 {
			f.Errorf("kept: %+v", kept)
		}
		f.pass(hearth.MappingSettles)
		cleared := ok[*lambda.UpdateEventSourceMappingOutput](f)(f.UpdateEventSourceMapping(f.Context(), &lambda.UpdateEventSourceMappingInput{
			UUID: m.UUID, ScalingConfig: &types.ScalingConfig{}, FilterCriteria: &types.FilterCriteria{}, FunctionResponseTypes: []types.FunctionResponseType{},
		}))
		if cleared.ScalingConfig != nil || cleared.FilterCriteria != nil || len(cleared.FunctionResponseTypes) != 0 {
			f.Errorf("cleared: %+v", cleared)
		}
	})
}
