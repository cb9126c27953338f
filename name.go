package hearth

import "strings"

// Latest is the qualifier and version of the unpublished function.
const Latest = "$LATEST"

// LatestPublished is the qualifier and version that a function on managed
// instances can be published to any number of times: what is invoked when no
// qualifier is given.
const LatestPublished = "$LATEST.PUBLISHED"

// Name identifies a function: accounts and regions are separate namespaces.
type Name struct {
	Account  string `json:"Account"` // twelve digits
	Region   string `json:"Region"`
	Function string `json:"Function"` // 1-64 letters, digits, '-', '_'
}

// ARN returns the function's ARN, with the qualifier appended unless it is empty.
func (n Name) ARN(qualifier string) string {
	arn := "arn:" + Partition(n.Region) + ":lambda:" + n.Region + ":" + n.Account + ":function:" + n.Function
	if qualifier != "" {
		arn += ":" + qualifier
	}
	return arn
}

// LogGroup returns the name of the log group that a function has unless it is
// configured to have another.
func (n Name) LogGroup() string { return "/aws/lambda/" + n.Function }

func (n Name) String() string { return n.Account + "/" + n.Region + "/" + n.Function }

// Partition returns the ARN partition of a region.
func Partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	case strings.HasPrefix(region, "eusc-"):
		return "aws-eusc"
	case strings.HasPrefix(region, "us-iso-"):
		return "aws-iso"
	case strings.HasPrefix(region, "us-isob-"):
		return "aws-iso-b"
	case strings.HasPrefix(region, "eu-isoe-"):
		return "aws-iso-e"
	case strings.HasPrefix(region, "us-isof-"):
		return "aws-iso-f"
	default:
		return "aws"
	}
}
