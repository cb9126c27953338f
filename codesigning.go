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
	Account      string            `json:"Account"`
	Region       string            `json:"Region"`
	ID           string            `json:"ID"` // csc- and 17 lower-case letters and digits
	Description  string            `json:"Description"`
	Publishers   []string          `json:"Publishers"` // ARNs of signing profile versions
	Untrusted    string            `json:"Untrusted"`  // UntrustedWarn or UntrustedEnforce
	Tags         map[string]string `json:"Tags"`
	LastModified time.Time         `json:"LastModified"`
}

// ARN returns the configuration's ARN.
func (c *CodeSigningConfig) ARN() string {
	return "arn:" + Partition(c.Region) + ":lambda:" + c.Region + ":" + c.Account + ":code-signing-config:" + c.ID
}

// CodeSigningBinding attaches a CodeSigningConfig to a function.
type CodeSigningBinding struct {
	Function  Name   `json:"Function"`
	ConfigARN string `json:"ConfigARN"`
}
