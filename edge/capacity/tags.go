package capacity

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/hearthd/hearth"
)

// Owns reports whether an ARN is that of a capacity provider, there or not.
func (s *Service) Owns(arn string) bool { return strings.Contains(arn, ":capacity-provider:") }

// Tags returns the tags of the provider with an ARN; hearth.ErrNotFound.
func (s *Service) Tags(ctx context.Context, arn string) (map[string]string, error) {
	account, region, name := parseARN(arn)
	p, err := s.opts.Providers.Get(ctx, account, region, name)
	if err != nil {
		return nil, notFoundARN(err, arn)
	}
	return p.Tags, nil
}

// UpdateTags replaces the tags of the provider with an ARN by what change makes
// of a copy of them; hearth.ErrNotFound. The error of change, which may be
// called several times, is returned as it is.
func (s *Service) UpdateTags(ctx context.Context, arn string, change func(map[string]string) (map[string]string, error)) error {
	account, region, name := parseARN(arn)
	_, err := s.opts.Providers.Update(ctx, account, region, name, func(p *hearth.CapacityProvider) (err error) {
		p.Tags, err = change(maps.Clone(p.Tags))
		return err
	})
	return notFoundARN(err, arn)
}

// parseARN takes an ARN of the model's pattern apart.
func parseARN(arn string) (account, region, name string) {
	parts := strings.SplitN(arn, ":", 7)
	if len(parts) < 7 {
		return "", "", arn
	}
	return parts[4], parts[3], parts[6]
}

// notFoundARN has AWS's text, unless an error has one already.
func notFoundARN(err error, arn string) error {
	if _, told := errors.AsType[*hearth.Error](err); told || !errors.Is(err, hearth.ErrNotFound) {
		return err
	}
	return hearth.Errorf(hearth.ErrNotFound, "Capacity provider not found: %s", arn)
}
