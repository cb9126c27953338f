package signing

import (
	"context"
	"errors"
	"maps"
	"strings"

	"github.com/hearthd/hearth"
)

// Owns reports whether an ARN is that of a code signing config, there or not.
func (s *Service) Owns(arn string) bool { return strings.Contains(arn, ":code-signing-config:") }

// Tags returns the tags of the configuration with an ARN; hearth.ErrNotFound.
func (s *Service) Tags(ctx context.Context, arn string) (map[string]string, error) {
	c, err := s.find(ctx, arn)
	if err != nil {
		return nil, err
	}
	return c.Tags, nil
}

// UpdateTags replaces the tags of the configuration with an ARN by what change
// makes of a copy of them; hearth.ErrNotFound. The error of change, which may be
// called several times, is returned as it is.
func (s *Service) UpdateTags(ctx context.Context, arn string, change func(map[string]string) (map[string]string, error)) error {
	account, region, id := parse(arn)
	_, err := s.opts.Configs.Update(ctx, account, region, id, func(c *hearth.CodeSigningConfig) (err error) {
		c.Tags, err = change(maps.Clone(c.Tags))
		return err
	})
	if _, told := errors.AsType[*hearth.Error](err); told {
		return err
	}
	return missing(err, arn)
}
