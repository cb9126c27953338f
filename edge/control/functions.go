package control

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// What AWS says of a function in the making.
const (
	reasonCreating = "The function is being created."
	codeCreating   = "Creating"
)

func (s *Service) createFunction(ctx context.Context, in *api.CreateFunctionInput) (*api.FunctionConfiguration, error) {
	name, qualifier, err := s.opts.Scope.Function(ctx, in.FunctionName, nil)
	if err != nil {
		return nil, err
	}
	if qualifier != "" {
		return nil, hearth.Errorf(hearth.ErrInvalid, "The function name must not carry a version or alias: %s", qualifier)
	}
	fn := NewFunction(name)
	fn.Code.ImageURI = api.Value(in.Code.ImageUri)
	if err := s.configure(ctx, fn, createSettings(in)); err != nil {
		return nil, err
	}
	if in.PublishTo != nil {
		return nil, errPublishTo
	}
	fn.Tags = in.Tags
	if len(fn.Tags) > maxTags {
		return nil, hearth.Errorf(hearth.ErrInvalid, "Number of tags exceeds resource tag limit.")
	}
	if fn.PackageType == hearth.PackageImage {
		return nil, hearth.Errorf(hearth.ErrNotImplemented, "hearth does not run functions of PackageType Image yet. Package the function as Zip.")
	}
	release, err := s.storeCode(ctx, fn, codeSource{in.Code.ZipFile, in.Code.S3Bucket, in.Code.ImageUri})
	if err != nil {
		return nil, err
	}
	defer release()
	fn.State, fn.StateReason, fn.StateReasonCode = hearth.StatePending, reasonCreating, codeCreating
	touch(fn)
	if api.Value(in.Publish) {
		return s.createPublished(ctx, fn)
	}
	if _, err := s.opts.Functions.Create(ctx, fn); err != nil {
		return nil, err
	}
	s.prepare(fn.Name, fn.Version)
	return configuration(fn), nil
}

// NewFunction returns a function with AWS's defaults for what was not sent.
func NewFunction(name hearth.Name) *hearth.Function {
	return &hearth.Function{
		Name: name, Version: hearth.Latest, PackageType: hearth.PackageZip,
		Timeout: 3, MemorySize: 128, EphemeralStorage: 512,
		Architectures: []string{"x86_64"}, TracingMode: "PassThrough", SnapStart: "None",
		Logging: hearth.Logging{Format: hearth.LogText, Group: "/aws/lambda/" + name.Function},
	}
}

// touch gives a function a new revision.
func touch(fn *hearth.Function) {
	fn.RevisionID = api.NewRequestID()
	fn.LastModified = time.Now().UTC()
	fn.Generation = fn.RevisionID
}

// codeSource is the code of a request; one of the members is set.
type codeSource struct {
	zip      []byte
	bucket   *string
	imageURI *string
}

// storeCode checks an archive, keeps it, and notes it in fn. The caller must
// call release once fn is stored or given up.
func (s *Service) storeCode(ctx context.Context, fn *hearth.Function, src codeSource) (release func(), err error) {
	switch {
	case src.imageURI != nil:
		return nil, hearth.Errorf(hearth.ErrInvalid, "Please don't provide ImageUri when updating a function with packageType Zip.")
	case src.bucket != nil:
		return nil, hearth.Errorf(hearth.ErrNotImplemented, "hearth does not read code from S3 yet. Send the archive as ZipFile.")
	case src.zip == nil:
		return nil, hearth.Errorf(hearth.ErrInvalid, "Please provide a source for function code.")
	case len(src.zip) > maxZip:
		return nil, hearth.Errorf(hearth.ErrTooLarge, "Zipped size must be smaller than %d bytes", maxZip)
	}
	if _, err := s.opts.Host.CheckArchive(bytes.NewReader(src.zip), int64(len(src.zip))); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(src.zip)
	fn.Code = hearth.Code{
		Digest: hex.EncodeToString(sum[:]),
		SHA256: base64.StdEncoding.EncodeToString(sum[:]),
		Size:   int64(len(src.zip)),
	}
	release, err = s.opts.Functions.PutCode(ctx, fn.Code.Digest, bytes.NewReader(src.zip))
	if err != nil {
		return nil, fmt.Errorf("store code of %s: %w", fn.Name, err)
	}
	return release, nil
}

func (s *Service) getFunction(ctx context.Context, in *api.GetFunctionInput) (*api.GetFunctionOutput, error) {
	fn, qualifier, err := s.read(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return &api.GetFunctionOutput{
		Configuration: qualified(fn, qualifier),
		Code: &api.FunctionCodeLocation{
			RepositoryType: api.Ptr("S3"),
			Location:       api.Ptr(s.links.sign(api.CallFrom(ctx).HTTP, fn.Code.Digest, time.Now())),
		},
		Tags: fn.Tags,
	}, nil
}

func (s *Service) getFunctionConfiguration(ctx context.Context, in *api.GetFunctionConfigurationInput) (*api.FunctionConfiguration, error) {
	fn, qualifier, err := s.read(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	return qualified(fn, qualifier), nil
}

func (s *Service) read(ctx context.Context, functionName, qualifier *string) (*hearth.Function, string, error) {
	name, q, err := s.opts.Scope.Function(ctx, functionName, qualifier)
	if err != nil {
		return nil, "", err
	}
	fn, err := s.get(ctx, name, q)
	return fn, q, err
}

// get reads the version that a qualifier names; of an alias the first.
func (s *Service) get(ctx context.Context, name hearth.Name, qualifier string) (*hearth.Function, error) {
	version := qualifier
	if hearth.IsAlias(qualifier) {
		alias, err := s.opts.Functions.GetAlias(ctx, name, qualifier)
		if errors.Is(err, hearth.ErrNotFound) {
			return nil, hearth.Errorf(hearth.ErrNotFound, "Function not found: %s", name.ARN(qualifier))
		}
		if err != nil {
			return nil, err
		}
		version = alias.Version
	}
	fn, _, err := s.opts.Functions.Get(ctx, name, version)
	return fn, err
}

// qualified shows the ARN as it was asked for.
func qualified(fn *hearth.Function, qualifier string) *api.FunctionConfiguration {
	c := configuration(fn)
	if qualifier != "" {
		c.FunctionArn = api.Ptr(fn.Name.ARN(qualifier))
	}
	return c
}

// maxListPage is how many functions, versions or aliases AWS returns at most,
// whatever MaxItems says.
const maxListPage = 50

func pageSize(maxItems *int) int {
	if maxItems == nil {
		return maxListPage
	}
	return min(maxListPage, *maxItems)
}

func (s *Service) listFunctions(ctx context.Context, in *api.ListFunctionsInput) (*api.ListFunctionsOutput, error) {
	account, region := s.opts.Scope.Of(ctx)
	list, arn := s.opts.Functions.List, (*hearth.Function).ARN
	if in.FunctionVersion != nil { // ALL
		list, arn = s.opts.Functions.ListAll, qualifiedARN
	}
	page, next, err := list(ctx, account, region, api.Value(in.Marker), pageSize(in.MaxItems))
	if err != nil {
		return nil, err
	}
	return &api.ListFunctionsOutput{Functions: listed(page, arn), NextMarker: optional(next)}, nil
}

// qualifiedARN is how versions are shown beside each other, $LATEST too.
func qualifiedARN(fn *hearth.Function) string { return fn.Name.ARN(fn.Version) }

// listed shows functions as lists do, which leave out the states and the build
// of the runtime.
func listed(page []*hearth.Function, arn func(*hearth.Function) string) []api.FunctionConfiguration {
	out := make([]api.FunctionConfiguration, 0, len(page))
	for _, fn := range page {
		c := configuration(fn)
		c.FunctionArn = api.Ptr(arn(fn))
		c.State, c.StateReason, c.StateReasonCode = nil, nil, nil
		c.LastUpdateStatus, c.LastUpdateStatusReason, c.LastUpdateStatusReasonCode = nil, nil, nil
		c.RuntimeVersionConfig = nil
		out = append(out, *c)
	}
	return out
}

func (s *Service) deleteFunction(ctx context.Context, in *api.DeleteFunctionInput) (*api.DeleteFunctionOutput, error) {
	name, qualifier, err := s.opts.Scope.Function(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if qualifier != "" {
		err = s.deleteVersion(ctx, name, qualifier)
	} else {
		err = s.opts.Functions.Delete(ctx, name)
	}
	if err != nil {
		return nil, err
	}
	return &api.DeleteFunctionOutput{StatusCode: api.Ptr(http.StatusNoContent)}, nil
}
