package control

import (
	"context"
	"net/http"
	"strings"

	"github.com/hearthd/hearth/api"
)

// scope returns the account and region that a request is for: the region of
// the credential scope that the client signed for, else the service's own.
// The signature is not checked here.
func (s *Service) scope(ctx context.Context) (account, region string) {
	account, region = s.opts.Account, s.opts.Region
	if call := api.CallFrom(ctx); call != nil {
		if signed := signedRegion(call.HTTP); signed != "" {
			region = signed
		}
	}
	return account, region
}

// signedRegion returns the region of a request's credential scope, which is in
// the Authorization header or, of a presigned URL, in the query; empty when
// there is none.
//
//	<access key>/<date>/<region>/<service>/aws4_request
func signedRegion(r *http.Request) string {
	_, credential, ok := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if ok {
		credential, _, _ = strings.Cut(credential, ",")
	} else if r.URL.RawQuery != "" {
		credential = r.URL.Query().Get("X-Amz-Credential")
	}
	parts := strings.Split(strings.TrimSpace(credential), "/")
	if len(parts) != 5 || parts[4] != "aws4_request" || !isRegion(parts[2]) {
		return ""
	}
	return parts[2]
}

// isRegion keeps what becomes part of ARNs and keys to the alphabet of region
// names.
func isRegion(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 32
}
