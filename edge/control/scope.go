package control

import (
	"context"
	"strings"

	"github.com/hearthd/hearth/api"
)

// scope returns the account and region that a request is for: the region of
// the credential scope that the client signed for, else the service's own.
// The signature is not checked here.
func (s *Service) scope(ctx context.Context) (account, region string) {
	account, region = s.opts.Account, s.opts.Region
	call := api.CallFrom(ctx)
	if call == nil {
		return account, region
	}
	credential := call.HTTP.URL.Query().Get("X-Amz-Credential")
	if _, rest, ok := strings.Cut(call.HTTP.Header.Get("Authorization"), "Credential="); ok {
		credential, _, _ = strings.Cut(rest, ",")
	}
	// <access key>/<date>/<region>/<service>/aws4_request
	if parts := strings.Split(credential, "/"); len(parts) == 5 && isRegion(parts[2]) {
		region = parts[2]
	}
	return account, region
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
