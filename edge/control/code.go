package control

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
	"github.com/hearthd/hearth/edge/archive"
)

// draft is a function that is about to be stored, and the archives that are
// held for it until then.
type draft struct {
	fn   *hearth.Function
	held []func()
}

func (d *draft) hold(release func()) {
	if release != nil {
		d.held = append(d.held, release)
	}
}

// release lets go of the archives: the function is stored, or given up.
func (d *draft) release() {
	for _, release := range d.held {
		release()
	}
	d.held = nil
}

// source is the code of a request.
type source struct {
	archive.Source
	imageURI, kmsKey *string
}

func createSource(c *api.FunctionCode) source {
	return source{
		Source: archive.Source{
			Zip: c.ZipFile, Bucket: c.S3Bucket, Key: c.S3Key, Version: c.S3ObjectVersion, StorageMode: c.S3ObjectStorageMode,
		},
		imageURI: c.ImageUri, kmsKey: c.SourceKMSKeyArn,
	}
}

func updateSource(in *api.UpdateFunctionCodeInput) source {
	return source{
		Source: archive.Source{
			Zip: in.ZipFile, Bucket: in.S3Bucket, Key: in.S3Key, Version: in.S3ObjectVersion, StorageMode: in.S3ObjectStorageMode,
		},
		imageURI: in.ImageUri, kmsKey: in.SourceKMSKeyArn,
	}
}

// setCode gives a function the code of a request. what is what the request is
// doing, for messages.
func (s *Service) setCode(ctx context.Context, d *draft, what string, src source) error {
	switch image := d.fn.PackageType == hearth.PackageImage; {
	case image && src.imageURI == nil:
		return hearth.Errorf(hearth.ErrInvalid, "Please provide ImageUri when %s a function with packageType Image.", what)
	case image:
		d.fn.Code = imageCode(*src.imageURI)
		return nil
	case src.imageURI != nil:
		return hearth.Errorf(hearth.ErrInvalid, "Please don't provide ImageUri when %s a function with packageType Zip.", what)
	}
	code, release, err := s.opts.Intake.Take(ctx, src.Source)
	if err != nil {
		return err
	}
	d.hold(release)
	code.KMSKey = api.Value(src.kmsKey)
	d.fn.Code = code
	return archive.CheckTotal(code, d.fn.Layers)
}

// imageCode is the code of an image. AWS has the digest of the image as its
// CodeSha256; here it is that of the reference, unless that names the digest.
func imageCode(uri string) hearth.Code {
	code := hearth.Code{ImageURI: uri}
	if _, digest, ok := strings.Cut(uri, "@sha256:"); ok {
		code.SHA256 = digest
		return code
	}
	sum := sha256.Sum256([]byte(uri))
	code.SHA256 = hex.EncodeToString(sum[:])
	return code
}

// codeLocation is where the code of a function can be had.
func (s *Service) codeLocation(ctx context.Context, fn *hearth.Function) *api.FunctionCodeLocation {
	if fn.PackageType == hearth.PackageImage {
		return &api.FunctionCodeLocation{
			RepositoryType: api.Ptr("ECR"), ImageUri: &fn.Code.ImageURI, ResolvedImageUri: api.Ptr(resolvedImage(fn.Code)),
		}
	}
	location := &api.FunctionCodeLocation{
		RepositoryType:  api.Ptr("S3"),
		Location:        api.Ptr(s.opts.Links.Link(api.CallFrom(ctx).HTTP, fn.Code.Digest)),
		SourceKMSKeyArn: api.Optional(fn.Code.KMSKey),
	}
	if o := fn.Code.S3; o != nil {
		location.ResolvedS3Object = &api.ResolvedS3Object{S3Bucket: &o.Bucket, S3Key: &o.Key, S3ObjectVersion: api.Optional(o.Version)}
	}
	return location
}

// resolvedImage is an image's reference by digest.
func resolvedImage(code hearth.Code) string {
	if strings.Contains(code.ImageURI, "@sha256:") {
		return code.ImageURI
	}
	repository := code.ImageURI
	// A colon behind the last slash is that of a tag; before it, of a port.
	if i := strings.LastIndexByte(repository, ':'); i > strings.LastIndexByte(repository, '/') {
		repository = repository[:i]
	}
	return repository + "@sha256:" + code.SHA256
}
