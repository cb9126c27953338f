// Package layers serves the Lambda API's operations on layers, and finds the
// layer versions that functions refer to.
//
// A layer version that is deleted goes on to work for the functions that have
// it; no function can be given it any more. Layers of other accounts can be
// used where their content is at hand: published here under that account, or
// named by Options.Foreign.
package layers

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/archive"
	"github.com/hearthd/hearth/edge/listing"
	"github.com/hearthd/hearth/edge/scope"
)

// Versions is where layer versions are kept; see store/layers for the contract.
// Missing ones are hearth.ErrNotFound.
type Versions interface {
	Publish(ctx context.Context, v *hearth.LayerVersion) error
	Get(ctx context.Context, name hearth.LayerName, version int64) (*hearth.LayerVersion, error)
	Delete(ctx context.Context, name hearth.LayerName, version int64) error
}

// Lists are the layers of an account and region, and the versions of a layer.
type Lists interface {
	Latest(ctx context.Context, account, region string, q hearth.LayerQuery) (page []*hearth.LayerVersion, next string, err error)
	Versions(ctx context.Context, name hearth.LayerName, q hearth.LayerQuery) (page []*hearth.LayerVersion, next string, err error)
}

// Intake takes in contents; see edge/archive.
type Intake interface {
	Take(ctx context.Context, src archive.Source) (code hearth.Code, release func(), err error)
	TakeFrom(ctx context.Context, r io.Reader) (code hearth.Code, release func(), err error)
}

// Holder keeps a content in the store until release is called.
type Holder interface {
	HoldCode(digest string) (release func())
}

// Links makes download links.
type Links interface {
	Link(r *http.Request, digest string) string
}

// Foreign has the contents of layers of other accounts, or of ones that were
// never published here.
type Foreign interface {
	// Open returns the archive of a layer version, which the caller closes;
	// hearth.ErrNotFound when it has none.
	Open(ctx context.Context, arn string) (io.ReadCloser, error)
}

// Policies are the resource-based policies of layer versions; see edge/policy.
type Policies interface {
	// MayUseLayer says whether an account may use a layer version of another one.
	MayUseLayer(ctx context.Context, account string, v *hearth.LayerVersion) bool
	// DeleteLayerVersion deletes the policy of a layer version, if it has one.
	DeleteLayerVersion(ctx context.Context, name hearth.LayerName, version int64) error
}

// Options of a Service. All are required but Foreign and Policies.
type Options struct {
	Versions Versions
	Lists    Lists
	Intake   Intake
	Holder   Holder
	Links    Links
	Scope    scope.Defaults
	Foreign  Foreign
	// Policies say who else may use an account's layers. Nil: everybody may do
	// everything with them.
	Policies Policies
}

// Service serves the operations.
type Service struct{ opts Options }

// New returns a Service.
func New(opts Options) *Service { return &Service{opts} }

// Register makes a router serve this service's operations.
func (s *Service) Register(r *api.Router) {
	api.Handle(r, api.PublishLayerVersion, s.publish)
	api.Handle(r, api.GetLayerVersion, s.get)
	api.Handle(r, api.GetLayerVersionByArn, s.getByARN)
	api.Handle(r, api.DeleteLayerVersion, s.delete)
	api.Handle(r, api.ListLayers, s.listLayers)
	api.Handle(r, api.ListLayerVersions, s.listVersions)
}

// layer reads a layer's name or ARN.
func (s *Service) layer(ctx context.Context, nameOrARN *string) (hearth.LayerName, error) {
	account, region := s.opts.Scope.Of(ctx)
	name, _, ok := hearth.ParseLayerARN(*nameOrARN)
	if !ok {
		return hearth.LayerName{Account: account, Region: region, Layer: *nameOrARN}, nil
	}
	if name.Region != region {
		return name, hearth.Errorf(hearth.ErrNotFound, "The resource you requested does not exist.")
	}
	return name, nil
}

// created is AWS's format of CreatedDate.
const created = "2006-01-02T15:04:05.000-0700"

func (s *Service) publish(ctx context.Context, in *api.PublishLayerVersionInput) (*api.PublishLayerVersionOutput, error) {
	name, err := s.layer(ctx, in.LayerName)
	if err != nil {
		return nil, err
	}
	c := in.Content
	code, release, err := s.opts.Intake.Take(ctx, archive.Source{
		Zip: c.ZipFile, Bucket: c.S3Bucket, Key: c.S3Key, Version: c.S3ObjectVersion, StorageMode: c.S3ObjectStorageMode,
	})
	if err != nil {
		return nil, err
	}
	defer release()
	v := &hearth.LayerVersion{
		Layer: name, Description: api.Value(in.Description), License: api.Value(in.LicenseInfo),
		Runtimes: in.CompatibleRuntimes, Architectures: in.CompatibleArchitectures, Code: code, Created: time.Now().UTC(),
	}
	if err := s.opts.Versions.Publish(ctx, v); err != nil {
		return nil, err
	}
	out := s.shown(ctx, v)
	return (*api.PublishLayerVersionOutput)(out), nil
}

// shown is a layer version as the operations on one show it.
func (s *Service) shown(ctx context.Context, v *hearth.LayerVersion) *api.GetLayerVersionOutput {
	out := &api.GetLayerVersionOutput{
		Content: &api.LayerVersionContentOutput{
			Location:   api.Ptr(s.opts.Links.Link(api.CallFrom(ctx).HTTP, v.Code.Digest)),
			CodeSha256: &v.Code.SHA256, CodeSize: &v.Code.Size,
		},
		LayerArn: api.Ptr(v.Layer.ARN()), LayerVersionArn: api.Ptr(v.ARN()), Description: &v.Description,
		CreatedDate: api.Ptr(v.Created.Format(created)), Version: &v.Version,
		CompatibleRuntimes: v.Runtimes, CompatibleArchitectures: v.Architectures, LicenseInfo: api.Optional(v.License),
	}
	if o := v.Code.S3; o != nil {
		out.Content.ResolvedS3Object = &api.ResolvedS3Object{S3Bucket: &o.Bucket, S3Key: &o.Key, S3ObjectVersion: api.Optional(o.Version)}
	}
	return out
}

func (s *Service) get(ctx context.Context, in *api.GetLayerVersionInput) (*api.GetLayerVersionOutput, error) {
	name, err := s.layer(ctx, in.LayerName)
	if err != nil {
		return nil, err
	}
	return s.find(ctx, name, *in.VersionNumber)
}

func (s *Service) getByARN(ctx context.Context, in *api.GetLayerVersionByArnInput) (*api.GetLayerVersionByArnOutput, error) {
	name, version, ok := hearth.ParseLayerARN(*in.Arn)
	_, region := s.opts.Scope.Of(ctx)
	if !ok || name.Region != region { // of AWS's own (awslayer), or somewhere else
		return nil, missing()
	}
	return s.find(ctx, name, version)
}

func (s *Service) find(ctx context.Context, name hearth.LayerName, version int64) (*api.GetLayerVersionOutput, error) {
	if err := checkNumber(version); err != nil {
		return nil, err
	}
	v, err := s.opts.Versions.Get(ctx, name, version)
	if errors.Is(err, hearth.ErrNotFound) {
		return nil, missing()
	}
	if err != nil {
		return nil, err
	}
	if account, _ := s.opts.Scope.Of(ctx); !s.allowed(ctx, account, v) {
		return nil, denied(account, v.ARN())
	}
	return s.shown(ctx, v), nil
}

func missing() error {
	return hearth.Errorf(hearth.ErrNotFound, "The resource you requested does not exist.")
}

func checkNumber(version int64) error {
	if version < 1 {
		return hearth.Errorf(hearth.ErrInvalid, "Layer Version Cannot be less than 1")
	}
	return nil
}

// delete is no error when there is nothing to delete, as on AWS.
func (s *Service) delete(ctx context.Context, in *api.DeleteLayerVersionInput) (*api.DeleteLayerVersionOutput, error) {
	name, err := s.layer(ctx, in.LayerName)
	if err != nil {
		return nil, err
	}
	if err := checkNumber(*in.VersionNumber); err != nil {
		return nil, err
	}
	if account, _ := s.opts.Scope.Of(ctx); name.Account != account && s.opts.Policies != nil {
		return nil, hearth.Errorf(hearth.ErrDenied, "User: arn:aws:iam::%s:root is not authorized to perform: lambda:DeleteLayerVersion on resource: %s", account, name.VersionARN(*in.VersionNumber))
	}
	// The policy first: what fails in between takes the version from others, and leaves
	// no policy of a version that is gone.
	if s.opts.Policies != nil {
		if err := s.opts.Policies.DeleteLayerVersion(ctx, name, *in.VersionNumber); err != nil {
			return nil, err
		}
	}
	err = s.opts.Versions.Delete(ctx, name, *in.VersionNumber)
	if err != nil && !errors.Is(err, hearth.ErrNotFound) {
		return nil, err
	}
	return &api.DeleteLayerVersionOutput{}, nil
}

func query(runtime, architecture, marker *string, maxItems *int) hearth.LayerQuery {
	return hearth.LayerQuery{
		Runtime: api.Value(runtime), Architecture: api.Value(architecture), Marker: api.Value(marker), Limit: listing.Limit(maxItems),
	}
}

func (s *Service) listLayers(ctx context.Context, in *api.ListLayersInput) (*api.ListLayersOutput, error) {
	account, region := s.opts.Scope.Of(ctx)
	page, next, err := s.opts.Lists.Latest(ctx, account, region, query(in.CompatibleRuntime, in.CompatibleArchitecture, in.Marker, in.MaxItems))
	if err != nil {
		return nil, err
	}
	return &api.ListLayersOutput{NextMarker: api.Optional(next), Layers: listing.Items(page, latest)}, nil
}

func (s *Service) listVersions(ctx context.Context, in *api.ListLayerVersionsInput) (*api.ListLayerVersionsOutput, error) {
	name, err := s.layer(ctx, in.LayerName)
	if err != nil {
		return nil, err
	}
	page, next, err := s.opts.Lists.Versions(ctx, name, query(in.CompatibleRuntime, in.CompatibleArchitecture, in.Marker, in.MaxItems))
	if err != nil {
		return nil, err
	}
	return &api.ListLayerVersionsOutput{LayerVersions: listing.Items(page, item), NextMarker: api.Optional(next)}, nil
}

// latest is a layer as lists show it, with the latest of its versions.
func latest(v *hearth.LayerVersion) *api.LayersListItem {
	return &api.LayersListItem{LayerName: &v.Layer.Layer, LayerArn: api.Ptr(v.Layer.ARN()), LatestMatchingVersion: item(v)}
}

// item is a layer version as lists show it.
func item(v *hearth.LayerVersion) *api.LayerVersionsListItem {
	return &api.LayerVersionsListItem{
		LayerVersionArn: api.Ptr(v.ARN()), Version: &v.Version, Description: api.Optional(v.Description),
		CreatedDate:        api.Ptr(v.Created.Format(created)),
		CompatibleRuntimes: v.Runtimes, CompatibleArchitectures: v.Architectures, LicenseInfo: api.Optional(v.License),
	}
}
