package hearth

import "time"

// Authorization types and invoke modes of a FunctionURL, in AWS's spelling.
const (
	URLAuthIAM  = "AWS_IAM"
	URLAuthNone = "NONE"

	URLBuffered       = "BUFFERED"
	URLResponseStream = "RESPONSE_STREAM"
)

// FunctionURL is the HTTP endpoint of a function or one of its aliases. It is a
// value; holders of a copy never see it change.
type FunctionURL struct {
	Function Name   `json:"Function"`
	Alias    string `json:"Alias"` // empty: the unpublished function
	// ID is the first label of the URL's host: 32 lower-case letters and
	// digits, random, the same for the life of the URL.
	ID         string    `json:"ID"`
	AuthType   string    `json:"AuthType"`   // URLAuthIAM or URLAuthNone
	InvokeMode string    `json:"InvokeMode"` // URLBuffered or URLResponseStream; empty: not set, which is buffered
	CORS       *CORS     `json:"CORS"`       // nil: none
	Created    time.Time `json:"Created"`
	Modified   time.Time `json:"Modified"`
}

// ARN returns the ARN of the function or alias that the URL invokes.
func (u *FunctionURL) ARN() string { return u.Function.ARN(u.Alias) }

// CORS is how a FunctionURL answers requests from pages of other origins.
type CORS struct {
	AllowCredentials *bool    `json:"AllowCredentials"`
	AllowHeaders     []string `json:"AllowHeaders"`
	AllowMethods     []string `json:"AllowMethods"`
	AllowOrigins     []string `json:"AllowOrigins"`
	ExposeHeaders    []string `json:"ExposeHeaders"`
	MaxAge           *int     `json:"MaxAge"` // seconds, 0-86400
}
