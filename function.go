package hearth

import "time"

// Package types of a function.
const (
	PackageZip   = "Zip"
	PackageImage = "Image"
)

// States of a function and of its last update, in AWS's spelling.
const (
	StatePending  = "Pending"
	StateActive   = "Active"
	StateInactive = "Inactive"
	StateFailed   = "Failed"

	UpdateSuccessful = "Successful"
	UpdateInProgress = "InProgress"
	UpdateFailed     = "Failed"
)

// Function is one version of a function: $LATEST, which changes, or a
// published version, which does not. It is a value; holders of a copy never
// see it change. Maps and slices inside it must not be written to after it was
// stored or handed on.
type Function struct {
	Name    Name
	Version string // Latest, LatestPublished or a decimal number
	// ID tells a function from others that had its name before, or get it once
	// it is deleted. All its versions have it, and no update changes it. Empty:
	// the function is from before there were any.
	ID string

	Description string
	Runtime     string // AWS's identifier, e.g. python3.13; empty for images
	Handler     string
	Role        string
	PackageType string // PackageZip or PackageImage
	Code        Code
	Image       *ImageConfig // nil unless sent

	Timeout           int               // seconds, 1-900
	MemorySize        int               // MB, 128-10240
	EphemeralStorage  int               // MB of /tmp, 512-10240
	Environment       map[string]string // nil when never sent; empty when sent empty
	Architectures     []string
	Layers            []Layer
	TracingMode       string // PassThrough or Active
	Logging           Logging
	DeadLetterTarget  string
	KMSKeyArn         string
	VPCSubnets        []string
	VPCSecurityGroups []string
	VPCIPv6           bool   // Ipv6AllowedForDualStack
	SnapStart         string // None or PublishedVersions
	TenantIsolation   string // empty or PER_TENANT
	FileSystems       []FileSystem
	Managed           *ManagedInstances // nil: ordinary environments
	Durable           *Durable          // nil: an ordinary function
	Tags              map[string]string // on $LATEST only

	State            string
	StateReason      string
	StateReasonCode  string
	Update           string // LastUpdateStatus
	UpdateReason     string
	UpdateReasonCode string

	// Generation changes whenever code or configuration does, and with nothing
	// else: environments of another generation are drained. RevisionID changes
	// more often, with the state too.
	Generation   string
	RevisionID   string
	LastModified time.Time

	// LastPublished is the number of the version that was published last, 0
	// when none was: numbers are never used again. On $LATEST only.
	LastPublished int
	// SourceDescription is the Description of the $LATEST that a version was
	// published from; its own can be another. On published versions only.
	SourceDescription string
}

// ARN returns the function's ARN; qualified unless the version is $LATEST.
func (f *Function) ARN() string {
	if f.Version == Latest {
		return f.Name.ARN("")
	}
	return f.Name.ARN(f.Version)
}

// CheckTenant returns AWS's refusal of an invocation with or without a tenant id
// of a function that has no tenants, or has some.
func (f *Function) CheckTenant(id string) error {
	switch {
	case f.TenantIsolation != "" && id == "":
		return Errorf(ErrInvalid, "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again.")
	case f.TenantIsolation == "" && id != "":
		return Errorf(ErrInvalid, "The invoked function is not enabled with tenancy configuration. Remove the tenant ID from your request and try again.")
	}
	return nil
}

// Code names a function's code in the blob store or an image registry.
type Code struct {
	Digest   string // hex SHA-256 of the archive: its key in the blob store
	SHA256   string // base64 SHA-256, AWS's CodeSha256
	Size     int64  // bytes of the archive
	Unzipped int64  // bytes of the files in it
	ImageURI string // image packages only
	// S3 is where the archive was read from in S3ObjectStorageMode REFERENCE.
	// hearth has a copy of it all the same.
	S3     *S3Object
	KMSKey string // SourceKMSKeyArn: kept and shown, of no effect
	// Dir is a directory that is used in place, without an archive: `hearth
	// run DIR`. It never reaches the store.
	Dir string
}

// S3Object names an archive by the words of S3.
type S3Object struct {
	Bucket, Key string
	Version     string // empty: the newest
}

// Layer is one layer version as a function refers to it. It goes on to work
// when the layer version is deleted.
type Layer struct {
	ARN      string
	Digest   string // hex SHA-256 of the archive in the blob store
	Size     int64  // bytes of the archive
	Unzipped int64  // bytes of the files in it
}

// ImageConfig overrides what an image says of itself.
type ImageConfig struct {
	EntryPoint       []string
	Command          []string
	WorkingDirectory string
}

// IsZero reports whether nothing is overridden: AWS then shows no ImageConfig.
func (c *ImageConfig) IsZero() bool {
	return len(c.EntryPoint) == 0 && len(c.Command) == 0 && c.WorkingDirectory == ""
}

// FileSystem is a mount that a function asks for.
type FileSystem struct {
	ARN       string
	LocalPath string
}

// Durable is a function's DurableConfig.
type Durable struct {
	ExecutionTimeout int // seconds; 0: not said
	RetentionDays    int
	KMSKeyArn        string
}

// Logging is a function's LoggingConfig.
type Logging struct {
	Format           string // Text or JSON
	Group            string // log group
	ApplicationLevel string // JSON only; empty: not set
	SystemLevel      string // JSON only; empty: not set
}

// Log formats.
const (
	LogText = "Text"
	LogJSON = "JSON"
)
