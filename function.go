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
	Name    Name   `json:"Name"`
	Version string `json:"Version"` // Latest, LatestPublished or a decimal number
	// ID tells a function from others that had its name before, or get it once
	// it is deleted. All its versions have it, and no update changes it. Empty:
	// the function is from before there were any.
	ID string `json:"ID"`

	Description string       `json:"Description"`
	Runtime     string       `json:"Runtime"` // AWS's identifier, e.g. python3.13; empty for images
	Handler     string       `json:"Handler"`
	Role        string       `json:"Role"`
	PackageType string       `json:"PackageType"` // PackageZip or PackageImage
	Code        Code         `json:"Code"`
	Image       *ImageConfig `json:"Image"` // nil unless sent

	Timeout           int               `json:"Timeout"`          // seconds, 1-900
	MemorySize        int               `json:"MemorySize"`       // MB, 128-10240
	EphemeralStorage  int               `json:"EphemeralStorage"` // MB of /tmp, 512-10240
	Environment       map[string]string `json:"Environment"`      // nil when never sent; empty when sent empty
	Architectures     []string          `json:"Architectures"`
	Layers            []Layer           `json:"Layers"`
	TracingMode       string            `json:"TracingMode"` // PassThrough or Active
	Logging           Logging           `json:"Logging"`
	DeadLetterTarget  string            `json:"DeadLetterTarget"`
	KMSKeyArn         string            `json:"KMSKeyArn"`
	VPCSubnets        []string          `json:"VPCSubnets"`
	VPCSecurityGroups []string          `json:"VPCSecurityGroups"`
	VPCIPv6           bool              `json:"VPCIPv6"`         // Ipv6AllowedForDualStack
	SnapStart         string            `json:"SnapStart"`       // None or PublishedVersions
	TenantIsolation   string            `json:"TenantIsolation"` // empty or PER_TENANT
	FileSystems       []FileSystem      `json:"FileSystems"`
	Managed           *ManagedInstances `json:"Managed"` // nil: ordinary environments
	Durable           *Durable          `json:"Durable"` // nil: an ordinary function
	Tags              map[string]string `json:"Tags"`    // on $LATEST only

	State            string `json:"State"`
	StateReason      string `json:"StateReason"`
	StateReasonCode  string `json:"StateReasonCode"`
	Update           string `json:"Update"` // LastUpdateStatus
	UpdateReason     string `json:"UpdateReason"`
	UpdateReasonCode string `json:"UpdateReasonCode"`

	// Generation changes whenever code or configuration does, and with nothing
	// else: environments of another generation are drained. RevisionID changes
	// more often, with the state too.
	Generation   string    `json:"Generation"`
	RevisionID   string    `json:"RevisionID"`
	LastModified time.Time `json:"LastModified"`

	// LastPublished is the number of the version that was published last, 0
	// when none was: numbers are never used again. On $LATEST only.
	LastPublished int `json:"LastPublished"`
	// SourceDescription is the Description of the $LATEST that a version was
	// published from; its own can be another. On published versions only.
	SourceDescription string `json:"SourceDescription"`
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
	Digest   string `json:"Digest"`   // hex SHA-256 of the archive: its key in the blob store
	SHA256   string `json:"SHA256"`   // base64 SHA-256, AWS's CodeSha256
	Size     int64  `json:"Size"`     // bytes of the archive
	Unzipped int64  `json:"Unzipped"` // bytes of the files in it
	ImageURI string `json:"ImageURI"` // image packages only
	// S3 is where the archive was read from in S3ObjectStorageMode REFERENCE.
	// hearth has a copy of it all the same.
	S3     *S3Object `json:"S3"`
	KMSKey string    `json:"KMSKey"` // SourceKMSKeyArn: kept and shown, of no effect
	// Dir is a directory that is used in place, without an archive: `hearth
	// run DIR`. It never reaches the store.
	Dir string `json:"Dir"`
}

// S3Object names an archive by the words of S3.
type S3Object struct {
	Bucket  string `json:"Bucket"`
	Key     string `json:"Key"`
	Version string `json:"Version"` // empty: the newest
}

// Layer is one layer version as a function refers to it. It goes on to work
// when the layer version is deleted.
type Layer struct {
	ARN      string `json:"ARN"`
	Digest   string `json:"Digest"`   // hex SHA-256 of the archive in the blob store
	Size     int64  `json:"Size"`     // bytes of the archive
	Unzipped int64  `json:"Unzipped"` // bytes of the files in it
}

// ImageConfig overrides what an image says of itself.
type ImageConfig struct {
	EntryPoint       []string `json:"EntryPoint"`
	Command          []string `json:"Command"`
	WorkingDirectory string   `json:"WorkingDirectory"`
}

// IsZero reports whether nothing is overridden: AWS then shows no ImageConfig.
func (c *ImageConfig) IsZero() bool {
	return len(c.EntryPoint) == 0 && len(c.Command) == 0 && c.WorkingDirectory == ""
}

// FileSystem is a mount that a function asks for.
type FileSystem struct {
	ARN       string `json:"ARN"`
	LocalPath string `json:"LocalPath"`
}

// Durable is a function's DurableConfig.
type Durable struct {
	ExecutionTimeout int    `json:"ExecutionTimeout"` // seconds; 0: not said
	RetentionDays    int    `json:"RetentionDays"`
	KMSKeyArn        string `json:"KMSKeyArn"`
}

// Logging is a function's LoggingConfig.
type Logging struct {
	Format           string `json:"Format"`           // Text or JSON
	Group            string `json:"Group"`            // log group
	ApplicationLevel string `json:"ApplicationLevel"` // JSON only; empty: not set
	SystemLevel      string `json:"SystemLevel"`      // JSON only; empty: not set
}

// Log formats.
const (
	LogText = "Text"
	LogJSON = "JSON"
)
