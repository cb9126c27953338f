// Package archive takes in the code archives of functions and layers: out of
// the request, or from where S3Bucket and S3Key lead. What it has taken in was
// checked, is in the store under its digest, and is held there until whoever
// refers to it is stored too.
package archive

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// Limits of archives, in bytes.
const (
	// MaxZip is AWS's bound on an archive within a request.
	MaxZip = 52428800
	// MaxUnzipped is AWS's bound on the files of a function and its layers, and
	// so of any archive.
	MaxUnzipped = 262144000
)

// Store keeps archives; see store/catalog.
type Store interface {
	PutCode(ctx context.Context, digest string, r io.Reader) (release func(), err error)
}

// Objects opens what S3Bucket and S3Key name; see edge/objects.
type Objects interface {
	Open(ctx context.Context, o hearth.S3Object) (io.ReadCloser, error)
}

// Checker looks into archives.
type Checker interface {
	// CheckArchive says whether an archive can be unpacked, and to how many bytes; the
	// error is for the caller.
	CheckArchive(ctx context.Context, archive io.ReaderAt, size int64) (unzipped int64, err error)
}

// Options of an Intake.
type Options struct {
	Store   Store
	Checker Checker
	// Objects may be nil: archives have to come with the request then.
	Objects Objects
	// Dir is for archives that are being read; empty: the system's.
	Dir string
}

// Intake takes in archives. Its methods may be called from several goroutines.
type Intake struct {
	opts    Options
	reading chan struct{} // a slot for each object at a time
}

// maxReading bounds how many objects are being read at a time, and with that
// the room that they take before they are checked.
const maxReading = 4

// New returns an Intake.
func New(opts Options) *Intake {
	return &Intake{opts: opts, reading: make(chan struct{}, maxReading)}
}

// Source is the code of a request, as it was sent.
type Source struct {
	Zip                  *api.Archive // nil: not sent
	Bucket, Key, Version *string
	StorageMode          *string // S3ObjectStorageMode
}

// reference is the S3ObjectStorageMode in which AWS does not copy the object.
const reference = "REFERENCE"

// Take reads, checks and stores an archive. The caller must call release once
// what refers to it is stored or given up.
func (i *Intake) Take(ctx context.Context, src Source) (code hearth.Code, release func(), err error) {
	switch {
	case src.Zip != nil && (src.Bucket != nil || src.Key != nil || src.Version != nil):
		return code, nil, hearth.Errorf(hearth.ErrInvalid, "Please do not provide other FunctionCode parameters when providing a ZipFile.")
	case src.Zip != nil:
		return i.takeZip(ctx, src.Zip)
	case src.Bucket == nil && src.Key == nil:
		return code, nil, hearth.Errorf(hearth.ErrInvalid, "Please provide a source for function code.")
	case src.Bucket == nil || src.Key == nil:
		return code, nil, hearth.Errorf(hearth.ErrInvalid, "Please provide both S3Bucket and S3Key.")
	}
	object := hearth.S3Object{Bucket: *src.Bucket, Key: *src.Key}
	if src.Version != nil {
		object.Version = *src.Version
	}
	code, release, err = i.takeObject(ctx, object)
	if err == nil && src.StorageMode != nil && *src.StorageMode == reference {
		code.S3 = &object
	}
	return code, release, err
}

func (i *Intake) takeZip(ctx context.Context, zip *api.Archive) (hearth.Code, func(), error) {
	if zip.Size() > MaxZip {
		return hearth.Code{}, nil, hearth.Errorf(hearth.ErrTooLarge, "Zipped size must be smaller than %d bytes", MaxZip)
	}
	return i.keep(ctx, zip, zip.Size(), zip.Sum())
}

func (i *Intake) takeObject(ctx context.Context, object hearth.S3Object) (hearth.Code, func(), error) {
	if i.opts.Objects == nil {
		return hearth.Code{}, nil, hearth.Errorf(hearth.ErrInvalid, "hearth has nowhere to read s3://%s/%s from. "+
			"Start it with --s3-endpoint URL or --s3-dir DIR, or send the archive as ZipFile.", object.Bucket, object.Key)
	}
	body, err := i.opts.Objects.Open(ctx, object)
	if err != nil {
		return hearth.Code{}, nil, err
	}
	defer body.Close() // read only
	return i.TakeFrom(ctx, body)
}

// TakeFrom is Take for an archive from elsewhere.
func (i *Intake) TakeFrom(ctx context.Context, r io.Reader) (code hearth.Code, release func(), err error) {
	select {
	case i.reading <- struct{}{}:
		defer func() { <-i.reading }()
	case <-ctx.Done():
		return code, nil, fmt.Errorf("read archive: %w", context.Cause(ctx))
	}
	f, err := os.CreateTemp(i.opts.Dir, ".archive-")
	if err != nil {
		return code, nil, fmt.Errorf("read archive: %w", err)
	}
	defer f.Close()
	if err := os.Remove(f.Name()); err != nil {
		return code, nil, fmt.Errorf("read archive: %w", err)
	}
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(f, sum), io.LimitReader(r, MaxUnzipped+1))
	switch {
	case err != nil:
		return code, nil, fmt.Errorf("read archive: %w", err)
	case size > MaxUnzipped:
		return code, nil, errUnzipped()
	}
	return i.keep(ctx, f, size, [sha256.Size]byte(sum.Sum(nil)))
}

// keep checks and stores an archive.
func (i *Intake) keep(ctx context.Context, archive io.ReaderAt, size int64, sum [sha256.Size]byte) (hearth.Code, func(), error) {
	unzipped, err := i.opts.Checker.CheckArchive(ctx, archive, size)
	if err != nil {
		return hearth.Code{}, nil, err
	}
	code := hearth.Code{
		Digest: hex.EncodeToString(sum[:]), SHA256: base64.StdEncoding.EncodeToString(sum[:]), Size: size, Unzipped: unzipped,
	}
	release, err := i.opts.Store.PutCode(ctx, code.Digest, io.NewSectionReader(archive, 0, size))
	if err != nil {
		return hearth.Code{}, nil, fmt.Errorf("store archive: %w", err)
	}
	return code, release, nil
}

// CheckTotal refuses a function that has, with its layers, more than AWS
// allows.
func CheckTotal(code hearth.Code, layers []hearth.Layer) error {
	sum := code.Unzipped
	for _, l := range layers {
		sum += l.Unzipped
	}
	if sum > MaxUnzipped {
		return errUnzipped()
	}
	return nil
}

func errUnzipped() error {
	return hearth.Errorf(hearth.ErrInvalid, "Unzipped size must be smaller than %d bytes", MaxUnzipped)
}
