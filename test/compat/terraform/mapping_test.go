package terraform_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// mapping is an aws_lambda_event_source_mapping.
type mapping struct {
	input  *lambda.CreateEventSourceMappingInput
	change *lambda.UpdateEventSourceMappingInput
	uuid   string
}

func (m *mapping) create(ctx context.Context) error {
	out, err := client.CreateEventSourceMapping(ctx, m.input)
	if err != nil {
		return err
	}
	m.uuid = *out.UUID
	return m.settled(ctx)
}

func (m *mapping) update(ctx context.Context) error {
	m.change.UUID = &m.uuid
	if _, err := client.UpdateEventSourceMapping(ctx, m.change); err != nil {
		return err
	}
	return m.settled(ctx)
}

// settled waits until the state is not one in between.
func (m *mapping) settled(ctx context.Context) error {
	return until(ctx, func() (bool, error) {
		out, err := client.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: &m.uuid})
		if err != nil {
			return false, err
		}
		state := aws.ToString(out.State)
		return state == "Enabled" || state == "Disabled", nil
	})
}

func (m *mapping) destroy(ctx context.Context) error {
	if _, err := client.DeleteEventSourceMapping(ctx, &lambda.DeleteEventSourceMappingInput{UUID: &m.uuid}); err != nil {
		return err
	}
	return until(ctx, func() (bool, error) {
		_, err := client.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: &m.uuid})
		if isNotFound(err) {
			return true, nil
		}
		return false, err
	})
}

func (m *mapping) read(ctx context.Context) (state, error) {
	out, err := client.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: &m.uuid})
	if err != nil {
		return nil, err
	}
	tags, err := client.ListTags(ctx, &lambda.ListTagsInput{Resource: out.EventSourceMappingArn})
	if err != nil {
		return nil, err
	}
	s := state{
		"arn": *out.EventSourceMappingArn == arn+"event-source-mapping:"+m.uuid, "event_source_arn": aws.ToString(out.EventSourceArn),
		"function_arn": *out.FunctionArn, "batch_size": aws.ToInt32(out.BatchSize), "enabled": *out.State == "Enabled",
		"maximum_batching_window_in_seconds": aws.ToInt32(out.MaximumBatchingWindowInSeconds), "starting_position": out.StartingPosition,
		"maximum_record_age_in_seconds": aws.ToInt32(out.MaximumRecordAgeInSeconds), "maximum_retry_attempts": aws.ToInt32(out.MaximumRetryAttempts),
		"parallelization_factor": aws.ToInt32(out.ParallelizationFactor), "bisect_batch_on_function_error": aws.ToBool(out.BisectBatchOnFunctionError),
		"tumbling_window_in_seconds": aws.ToInt32(out.TumblingWindowInSeconds), "topics": out.Topics, "tags": tags.Tags,
	}
	if len(out.FunctionResponseTypes) > 0 { // a set: an empty one is none
		s["function_response_types"] = out.FunctionResponseTypes
	}
	if out.FilterCriteria != nil && len(out.FilterCriteria.Filters) > 0 {
		s["filter_criteria"] = *out.FilterCriteria.Filters[0].Pattern
	}
	if out.ScalingConfig != nil && out.ScalingConfig.MaximumConcurrency != nil {
		s["scaling_config.maximum_concurrency"] = *out.ScalingConfig.MaximumConcurrency
	}
	if d := out.DestinationConfig; d != nil && d.OnFailure != nil && d.OnFailure.Destination != nil {
		s["destination_config.on_failure"] = *d.OnFailure.Destination
	}
	return s, nil
}

// mapped is what is read of a mapping whose configuration says no more than it
// must, to function m.
func mapped(source, name string) state {
	return state{
		"arn": true, "event_source_arn": source, "function_arn": arn + "function:" + name, "batch_size": int32(10), "enabled": true,
		"maximum_batching_window_in_seconds": int32(0), "starting_position": types.EventSourcePosition(""),
		"maximum_record_age_in_seconds": int32(0), "maximum_retry_attempts": int32(0), "parallelization_factor": int32(0),
		"bisect_batch_on_function_error": false, "tumbling_window_in_seconds": int32(0), "topics": []string(nil),
		"tags": map[string]string{},
	}
}

func (m *mapping) resource(created, updated state) resource {
	return resource{create: m.create, read: m.read, update: m.update, destroy: m.destroy, created: created, updated: updated}
}

func TestEventSourceMapping_OfAQueue(t *testing.T) {
	name := deploy(t, "mapped-queue")
	const queue = "arn:aws:sqs:us-east-1:000000000000:q"
	m := &mapping{
		input: &lambda.CreateEventSourceMappingInput{FunctionName: aws.String(arn + "function:" + name), EventSourceArn: aws.String(queue), Enabled: aws.Bool(true)},
		change: &lambda.UpdateEventSourceMappingInput{
			FunctionName: aws.String(arn + "function:" + name), Enabled: aws.Bool(false), BatchSize: aws.Int32(5),
			ScalingConfig:         &types.ScalingConfig{MaximumConcurrency: aws.Int32(10)},
			FilterCriteria:        &types.FilterCriteria{Filters: []types.Filter{{Pattern: aws.String(`{"body":{"a":[1]}}`)}}},
			FunctionResponseTypes: []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures},
		},
	}
	created := mapped(queue, name)
	m.resource(created, created.with(state{
		"enabled": false, "batch_size": int32(5), "scaling_config.maximum_concurrency": int32(10), "filter_criteria": `{"body":{"a":[1]}}`,
		"function_response_types": []types.FunctionResponseType{types.FunctionResponseTypeReportBatchItemFailures},
	})).lifecycle(t)
}

func TestEventSourceMapping_OfAStream(t *testing.T) {
	name := deploy(t, "mapped-stream")
	const stream = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
	m := &mapping{
		input: &lambda.CreateEventSourceMappingInput{
			FunctionName: &name, EventSourceArn: aws.String(stream), StartingPosition: types.EventSourcePositionLatest, Tags: map[string]string{"team": "blue"},
		},
		change: &lambda.UpdateEventSourceMappingInput{
			FunctionName: &name, MaximumRetryAttempts: aws.Int32(3), MaximumRecordAgeInSeconds: aws.Int32(60), ParallelizationFactor: aws.Int32(2),
			BisectBatchOnFunctionError: aws.Bool(true), TumblingWindowInSeconds: aws.Int32(30),
			DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: aws.String("arn:aws:sqs:us-east-1:000000000000:q")}},
		},
	}
	created := mapped(stream, name).with(state{
		"batch_size": int32(100), "starting_position": types.EventSourcePositionLatest, "maximum_record_age_in_seconds": int32(-1),
		"maximum_retry_attempts": int32(-1), "parallelization_factor": int32(1), "tags": map[string]string{"team": "blue"},
	})
	m.resource(created, created.with(state{
		"maximum_record_age_in_seconds": int32(60), "maximum_retry_attempts": int32(3), "parallelization_factor": int32(2),
		"bisect_batch_on_function_error": true, "tumbling_window_in_seconds": int32(30),
		"destination_config.on_failure": "arn:aws:sqs:us-east-1:000000000000:q",
	})).lifecycle(t)
}

func TestCapacityProvider(t *testing.T) {
	const name = "tf-provider"
	get := func(ctx context.Context) (*types.CapacityProvider, error) {
		out, err := client.GetCapacityProvider(ctx, &lambda.GetCapacityProviderInput{CapacityProviderName: aws.String(name)})
		if err != nil {
			return nil, err
		}
		return out.CapacityProvider, nil
	}
	active := func(ctx context.Context) error {
		return until(ctx, func() (bool, error) {
			p, err := get(ctx)
			return err == nil && p.State == types.CapacityProviderStateActive, err
		})
	}
	created := state{
		"arn": arn + "capacity-provider:" + name, "vpc_config.subnet_ids": []string{"subnet-1"}, "vpc_config.security_group_ids": []string{"sg-1"},
		"permissions_config": role, "scaling_config.max_vcpu_count": int32(12),
	}
	resource{
		create: func(ctx context.Context) error {
			_, err := client.CreateCapacityProvider(ctx, &lambda.CreateCapacityProviderInput{
				CapacityProviderName: aws.String(name), PermissionsConfig: &types.CapacityProviderPermissionsConfig{CapacityProviderOperatorRoleArn: aws.String(role)},
				VpcConfig:                     &types.CapacityProviderVpcConfig{SubnetIds: []string{"subnet-1"}, SecurityGroupIds: []string{"sg-1"}},
				CapacityProviderScalingConfig: &types.CapacityProviderScalingConfig{MaxVCpuCount: aws.Int32(12)},
			})
			if err != nil {
				return err
			}
			return active(ctx)
		},
		read: func(ctx context.Context) (state, error) {
			p, err := get(ctx)
			if err != nil {
				return nil, err
			}
			return state{
				"arn": *p.CapacityProviderArn, "vpc_config.subnet_ids": p.VpcConfig.SubnetIds, "vpc_config.security_group_ids": p.VpcConfig.SecurityGroupIds,
				"permissions_config": *p.PermissionsConfig.CapacityProviderOperatorRoleArn, "scaling_config.max_vcpu_count": *p.CapacityProviderScalingConfig.MaxVCpuCount,
			}, nil
		},
		created: created,
		update: func(ctx context.Context) error {
			_, err := client.UpdateCapacityProvider(ctx, &lambda.UpdateCapacityProviderInput{
				CapacityProviderName: aws.String(name), CapacityProviderScalingConfig: &types.CapacityProviderScalingConfig{MaxVCpuCount: aws.Int32(24)},
			})
			if err != nil {
				return err
			}
			return active(ctx)
		},
		updated: created.with(state{"scaling_config.max_vcpu_count": int32(24)}),
		destroy: func(ctx context.Context) error {
			if _, err := client.DeleteCapacityProvider(ctx, &lambda.DeleteCapacityProviderInput{CapacityProviderName: aws.String(name)}); err != nil {
				return err
			}
			return until(ctx, func() (bool, error) {
				_, err := get(ctx)
				if isNotFound(err) {
					return true, nil
				}
				return false, err
			})
		},
	}.lifecycle(t)
}
