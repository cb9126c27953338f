// Package scope tells what a request to the Lambda API is about: the account
// and region that it is for, and the function that it names. Accounts and
// regions are separate namespaces.
package scope

import (
	"context"
	"net/http"
	"strings"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/api"
)

// Defaults are the account and region of requests that say nothing of them.
type Defaults struct{ Account, Region string }

// Caller is who sends a request, as far as that was checked.
type Caller struct {
	Account string // twelve digits
	Region  string // of the credential scope
	ARN     string // of the principal; empty: not checked
}

type callerKey struct{}

// WithCaller returns a context for a request of a caller whose signature was
// checked.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerFrom returns the caller of a request; false when none was checked.
func CallerFrom(ctx context.Context) (Caller, bool) {
	c, ok := ctx.Value(callerKey{}).(Caller)
	return c, ok
}

// Of returns the account and region that a request is for: those of the caller
// when it was checked. Otherwise the region is that of the credential scope that
// the client signed for, and an access key id of twelve digits is the account,
// as in other emulators of AWS; what is not said is the default.
func (d Defaults) Of(ctx context.Context) (account, region string) {
	if c, ok := CallerFrom(ctx); ok {
		return c.Account, c.Region
	}
	if call := api.CallFrom(ctx); call != nil {
		return d.OfRequest(call.HTTP)
	}
	return d.Account, d.Region
}

// OfRequest is Of for a request that is no operation of the Lambda API.
func (d Defaults) OfRequest(r *http.Request) (account, region string) {
	if c, ok := CallerFrom(r.Context()); ok {
		return c.Account, c.Region
	}
	account, region = d.Account, d.Region
	key, signed := credential(r)
	if signed != "" {
		region = signed
	}
	if signed != "" && isAccount(key) {
		account = key
	}
	return account, region
}

// Function reads the function and qualifier that a request names, in any of the
// forms of the model: name, partial ARN, ARN, each with or without a qualifier.
func (d Defaults) Function(ctx context.Context, functionName, qualifier *string) (hearth.Name, string, error) {
	ref, err := api.ParseFunctionRef(api.Value(functionName))
	if err != nil {
		return hearth.Name{}, "", err
	}
	account, region := d.Of(ctx)
	return ref.Resolve(account, region, qualifier)
}

// OfARN returns the account, the region and the last part of the ARN of a
// resource that has an id there, such as
//
//	arn:<partition>:lambda:<region>:<account>:<kind>:<id>
//
// What is no such ARN is an id, of no account.
func OfARN(arn string) (account, region, id string) {
	parts := strings.SplitN(arn, ":", 7)
	if len(parts) < 7 {
		return "", "", arn
	}
	return parts[4], parts[3], parts[6]
}

// credential returns the access key id and the region of a request's
// credential, which is in the Authorization header or, of a presigned URL, in
// the query; nothing when it cannot be read.
//
//	<access key>/<date>/<region>/<service>/aws4_request
func credential(r *http.Request) (key, region string) {
	key, region, _ = credentialScope(r)
	return key, region
}

// Service returns the signing name of the service that a request was signed for, such
// as "lambda"; empty when it is not signed, or cannot be read.
func Service(r *http.Request) string {
	_, _, service := credentialScope(r)
	return service
}

// Region returns the region that a request was signed for; empty when it is not
// signed, or cannot be read.
func Region(r *http.Request) string {
	_, region, _ := credentialScope(r)
	return region
}

func credentialScope(r *http.Request) (key, region, service string) {
	_, credential, ok := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if ok {
		credential, _, _ = strings.Cut(credential, ",")
	} else if r.URL.RawQuery != "" {
		credential = r.URL.Query().Get("X-Amz-Credential")
	}
	parts := strings.Split(strings.TrimSpace(credential), "/")
	if len(parts) != 5 || parts[4] != "aws4_request" || !IsRegion(parts[2]) || !IsRegion(parts[3]) {
		return "", "", ""
	}
	return parts[0], parts[2], parts[3]
}

func isAccount(s string) bool {
	return len(s) == 12 && strings.Trim(s, "0123456789") == ""
}

// IsRegionName reports whether a word has the form of AWS's regions, such as
// eu-west-1 or us-gov-east-1.
func IsRegionName(s string) bool {
	parts := strings.Split(s, "-")
	if len(parts) < 3 || len(parts) > 4 || !IsRegion(s) {
		return false
	}
	for _, part := range parts[:len(parts)-1] {
		if part == "" || strings.Trim(part, "abcdefghijklmnopqrstuvwxyz") != "" {
			return false
		}
	}
	last := parts[len(parts)-1]
	return len(parts[0]) <= 4 && len(last) >= 1 && len(last) <= 2 && strings.Trim(last, "0123456789") == ""
}

// IsRegion keeps what becomes part of ARNs and keys to the alphabet of region
// names.
func IsRegion(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 32
}
