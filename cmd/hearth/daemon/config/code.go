package config

import (
	"errors"

	"github.com/hearthd/hearth/cmd/hearth/exit"
	"github.com/hearthd/hearth/edge/archive"
	"github.com/hearthd/hearth/edge/layers/layermap"
	"github.com/hearthd/hearth/edge/objects"
	"github.com/hearthd/hearth/internal/sigv4"
)

// validateCode checks the settings that say where code comes from.
func (c *Config) validateCode() error {
	if c.S3Endpoint != "" && c.S3Dir != "" {
		return exit.Usagef("s3-endpoint and s3-dir: only one of them can be read from")
	}
	_, err := c.Objects(func(string) string { return "" })
	_, mapErr := layermap.Parse(c.LayerMap)
	if mapErr != nil {
		mapErr = exit.Usagef("layer-map: %w", mapErr)
	}
	return errors.Join(err, mapErr)
}

// Objects returns what S3Bucket and S3Key are read from; nil when nothing is
// configured. Requests to an endpoint are signed with the usual variables.
func (c *Config) Objects(getenv func(string) string) (archive.Objects, error) {
	switch {
	case c.S3Endpoint != "":
		endpoint, err := objects.NewEndpoint(objects.EndpointOptions{
			URL: c.S3Endpoint, Region: c.Region,
			Credentials: sigv4.Credentials{
				AccessKeyID: getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: getenv("AWS_SESSION_TOKEN"),
			},
		})
		if err != nil {
			return nil, exit.Usagef("s3-endpoint: %w", err)
		}
		return endpoint, nil
	case c.S3Dir != "":
		return objects.NewDir(c.S3Dir), nil
	}
	return nil, nil //nolint:nilnil // none is fine
}
