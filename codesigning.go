package hearth

import "time"

// Policies of a CodeSigningConfig for code without a valid signature, in AWS's
// spelling.
const (
	UntrustedWarn    = "Warn"
	UntrustedEnforce = "Enforce"
)

// CodeSigningConfig says who may have signed the code of the functions that it
// is attached to. hearth keeps it and does not check signatures: they are made
// by a service of AWS with keys that never leave it.
type CodeSigningConfig struct {
	Account, Region string
	ID              string // csc- and 17 lower-case letters and digits
	Description     string
	Publishers      []string // ARNs of signing profile versions
	Untrusted       string   // UntrustedWarn or UntrustedEnforce
	Tags            map[string]string
	LastModified    time.Time
}

// ARN returns the configuration's ARN.
func (c *CodeSigningConfig) ARN() string {
	return "arn:" + Partition(c.Region) + ":lambda:" + c.Region + ":" + c.Account + ":code-signing-config:" + c.ID
}

// CodeSigningBinding attaches a CodeSigningConfig to a function.
type CodeSigningBinding struct {
	Function  Name
	ConfigARN string
}
