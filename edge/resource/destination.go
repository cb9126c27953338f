package resource

import (
	"context"
	"errors"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/scope"
)

func onSuccess(d *api.DestinationConfig) string {
	if d.OnSuccess == nil {
		return ""
	}
	return api.Value(d.OnSuccess.Destination)
}

func onFailure(d *api.DestinationConfig) string {
	if d.OnFailure == nil {
		return ""
	}
	return api.Value(d.OnFailure.Destination)
}

// checkDestinations checks what a function's events are to be sent to. A queue,
// topic or bus may be anywhere; a function must be there.
func (s eventInvokeConfigs) checkDestinations(ctx context.Context, name hearth.Name, d *api.DestinationConfig) error {
	if d == nil {
		return nil
	}
	for _, arn := range []string{onSuccess(d), onFailure(d)} {
		if arn == "" {
			continue
		}
		switch serviceOf(arn) {
		case "lambda":
			if err := s.checkFunction(ctx, name, arn); err != nil {
				return err
			}
		case "sqs", "sns", "events":
		case "s3":
			if arn == onSuccess(d) {
				return invalidDestinations(d) // buckets take failures alone
			}
		default:
			return invalidDestinations(d)
		}
	}
	return nil
}

// serviceOf returns the third part of an ARN.
func serviceOf(arn string) string {
	parts := strings.SplitN(arn, ":", 4)
	if len(parts) < 4 {
		return ""
	}
	return parts[2]
}

func (s eventInvokeConfigs) checkFunction(ctx context.Context, name hearth.Name, arn string) error {
	invalid := hearth.Errorf(hearth.ErrInvalid, "The destination ARN %s is invalid.", arn)
	ref, err := api.ParseFunctionRef(arn)
	if err != nil {
		return invalid
	}
	destination, qualifier, err := ref.Resolve(name.Account, name.Region, nil)
	if err != nil {
		return invalid
	}
	if destination == name {
		return hearth.Errorf(hearth.ErrInvalid, "You can't specify the function as a destination for itself.")
	}
	if err := scope.Exists(ctx, s.functions, destination, qualifier); errors.Is(err, hearth.ErrNotFound) {
		return invalid
	} else if err != nil {
		return err
	}
	return nil
}

// invalidDestinations is AWS's answer to a destination of a kind that events are not
// sent to, with the whole configuration as Java prints it.
func invalidDestinations(d *api.DestinationConfig) error {
	success, failure := "null", "null"
	if d.OnSuccess != nil {
		success = "OnSuccess(destination=" + orNull(d.OnSuccess.Destination) + ")"
	}
	if d.OnFailure != nil {
		failure = "OnFailure(destination=" + orNull(d.OnFailure.Destination) + ")"
	}
	return hearth.Errorf(hearth.ErrInvalid, "The provided destination config DestinationConfig(onSuccess=%s, onFailure=%s) is invalid.", success, failure)
}

func orNull(s *string) string {
	if s == nil {
		return "null"
	}
	return *s
}
