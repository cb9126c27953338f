package node

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/hearthd/hearth/edge/archive"
	"github.com/hearthd/hearth/edge/auth"
	"github.com/hearthd/hearth/edge/layers/layermap"
	"github.com/hearthd/hearth/edge/objects"
	"github.com/hearthd/hearth/internal/clock"
	"github.com/hearthd/hearth/internal/sigv4"
	"github.com/hearthd/hearth/node/launch"
	"github.com/hearthd/hearth/runtimes"
	"github.com/hearthd/hearth/sandbox"
)

// Options of a Node. Dir, Store and Driver are required, and Account and Region; the
// rest has the zero values' meaning that is given here.
type Options struct {
	Version string // of the program
	Dir     string // the node's own state: unpacked code, logs, traces; made when missing
	Store   *Store // the caller closes it after the node
	Driver  sandbox.Driver
	Clock   clock.Clock // nil: the machine's
	Logger  *slog.Logger

	Account string // of requests that name none, twelve digits
	Region  string // likewise
	Listen  string // host:port that the Handler is served at: function URLs lead there

	Network    string // what functions reach: none, nat or host; empty: none
	RuntimeMap string // FROM=TO,...: runtimes that others serve
	LayerMap   string // ARN=PATH,...: layers that were not published here
	JavaClient string // directory of AWS's client; empty: the user's own
	SDKDir     string // directory of AWS's SDKs; likewise
	S3Endpoint string // URL that S3Bucket and S3Key are read from
	S3Dir      string // directory that they are read from; at most one of the two
	// S3Credentials sign requests to S3Endpoint; zero: they are not signed.
	S3Credentials sigv4.Credentials
	Environ       []string // KEY=value, of this process: where interpreters are

	MaxConcurrency int           // of each account and region; 0: 1000
	MaxMemory      int           // MB of all environments together; 0: no bound
	MaxAge         time.Duration // of an environment; 0: no bound
	IdleTimeout    time.Duration // until an environment that is not used is closed; 0: 10 min
	FreezeAfter    time.Duration // until it is frozen; 0: 500 ms
	ShapeStreams   bool          // hold streamed responses to AWS's bandwidth
	LogRetention   time.Duration // of log streams and traces; 0: for ever

	// FunctionEndpoint is where the AWS SDKs of functions find services: hearth (also
	// when it is empty), which serves Lambda, aws, or a URL, and after a comma
	// SERVICE=URL for services that are elsewhere.
	FunctionEndpoint string

	// Auth asks for signatures with one of AccessKeys.
	Auth            bool
	AccessKeys      []AccessKey
	FunctionActions []string // what functions may do besides what policies allow them

	// Logs takes the logs of environments in the place of the node's log groups.
	// Nil: it has log groups, and traces, in Dir.
	Logs launch.Logs
	// Program runs in the place of every function's runtime. Nil: none does.
	Program *launch.Program
	// Directories allows functions whose code is a directory of this machine.
	Directories bool
}

// defaultConcurrency is AWS's, of an account that has not asked for more.
const defaultConcurrency = 1000

// setDefaults gives the zero values their meaning where more than one part has to
// know it.
func (o *Options) setDefaults() {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = clock.Real{}
	}
	if o.Network == "" {
		o.Network = launch.NetworkNone
	}
	if o.MaxConcurrency == 0 {
		o.MaxConcurrency = defaultConcurrency
	}
}

// AccessKey is a key that requests can be signed with, and whose it is.
type AccessKey struct {
	AccessKeyID, SecretAccessKey, SessionToken string

	Account      string   // twelve digits
	Principal    string   // ARN
	Organization string   // empty: none
	Actions      []string // nil: everything
}

// keys are the access keys as edge/auth has them.
func (o *Options) keys() (keys []auth.Key) {
	for _, k := range o.AccessKeys {
		keys = append(keys, auth.Key{
			AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken,
			Principal: auth.Principal{Account: k.Account, ARN: k.Principal, Organization: k.Organization, Actions: k.Actions},
		})
	}
	return keys
}

// organizations are those of the accounts that have keys.
func (o *Options) organizations() map[string]string {
	of := map[string]string{}
	for _, k := range o.AccessKeys {
		if k.Organization != "" {
			of[k.Account] = k.Organization
		}
	}
	return of
}

// Validate returns an error that begins with the name of the setting, as the command
// line spells it, that makes no sense. Open does not call it: it is for settings that
// were all given, so that a zero is a mistake where Open would take the default.
func (o *Options) Validate() error {
	switch {
	case !slices.Contains(launch.Networks(), o.Network):
		return fmt.Errorf("network: %q is none of %s", o.Network, strings.Join(launch.Networks(), ", "))
	case len(o.Account) != 12 || strings.Trim(o.Account, "0123456789") != "":
		return fmt.Errorf("account: %q is not twelve digits", o.Account)
	case o.Region == "" || strings.Trim(o.Region, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return fmt.Errorf("region: %q is not a region name", o.Region)
	case o.IdleTimeout <= 0, o.FreezeAfter <= 0, o.LogRetention < 0:
		return fmt.Errorf("idle-timeout, freeze-after and log-retention must not be negative or, the first two, zero")
	case o.MaxAge < time.Minute:
		return fmt.Errorf("max-environment-age must be a minute at least")
	case o.MaxConcurrency <= 0 || o.MaxMemory < 0:
		return fmt.Errorf("max-concurrency must be positive, max-memory must not be negative")
	case o.S3Endpoint != "" && o.S3Dir != "":
		return fmt.Errorf("s3-endpoint and s3-dir: only one of them can be read from")
	}
	if _, err := runtimes.ParseSubstitutes(o.RuntimeMap); err != nil {
		return fmt.Errorf("runtime-map: %w", err)
	}
	if _, err := layermap.Parse(o.LayerMap); err != nil {
		return fmt.Errorf("layer-map: %w", err)
	}
	if _, _, err := o.endpoints(); err != nil {
		return fmt.Errorf("function-endpoint: %w", err)
	}
	if _, err := auth.NewVerifier(o.keys(), nil); o.Auth && err != nil {
		return fmt.Errorf("access-keys: %w", err)
	}
	_, err := o.objects()
	return err
}

// objects is what S3Bucket and S3Key are read from; nil when nothing is configured.
func (o *Options) objects() (archive.Objects, error) {
	switch {
	case o.S3Endpoint != "":
		endpoint, err := objects.NewEndpoint(objects.EndpointOptions{URL: o.S3Endpoint, Region: o.Region, Credentials: o.S3Credentials})
		if err != nil {
			return nil, fmt.Errorf("s3-endpoint: %w", err)
		}
		return endpoint, nil
	case o.S3Dir != "":
		return objects.NewDir(o.S3Dir), nil
	}
	return nil, nil //nolint:nilnil // none is fine
}
