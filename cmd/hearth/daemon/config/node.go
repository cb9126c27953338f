package config

import (
	"github.com/hearthd/hearth/internal/sigv4"
	"github.com/hearthd/hearth/node"
)

// Node returns the settings of the node. Requests to an S3 endpoint are signed with
// the usual variables.
func (c *Config) Node(getenv func(string) string) node.Options {
	o := node.Options{
		Dir: c.DataDir, Account: c.Account, Region: c.Region, Listen: c.Listen, Network: c.Network,
		RuntimeMap: c.RuntimeMap, LayerMap: c.LayerMap, JavaClient: c.JavaClient, SDKDir: c.SDKDir,
		S3Endpoint: c.S3Endpoint, S3Dir: c.S3Dir, S3Credentials: sigv4.Credentials{
			AccessKeyID: getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: getenv("AWS_SESSION_TOKEN"),
		},
		MaxConcurrency: c.MaxConcurrency, MaxMemory: c.MaxMemory, MaxAge: c.MaxAge,
		IdleTimeout: c.IdleTimeout, FreezeAfter: c.FreezeAfter, ShapeStreams: c.ShapeStreams, LogRetention: c.LogRetention,
		Auth: c.Auth, FunctionActions: c.AllowedActions(), FunctionEndpoint: c.FunctionEndpoint,
	}
	for _, k := range c.AccessKeys {
		o.AccessKeys = append(o.AccessKeys, node.AccessKey{
			AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken,
			Account: k.Account, Principal: k.arn(), Organization: k.Organization, Actions: k.Actions,
		})
	}
	return o
}
