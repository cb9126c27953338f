package control

import (
	"context"

	"github.com/hearthd/hearth"
)

// CheckJSON is the check of invocation payloads.
func CheckJSON(payload []byte) error { return checkJSON(payload) }

// StoreZip stores an archive as it comes out of a request, whose decoding would
// take a test half a minute at the limit.
func (s *Service) StoreZip(ctx context.Context, zip []byte) error {
	release, err := s.storeCode(ctx, new(hearth.Function), codeSource{zip: zip})
	if err == nil {
		release()
	}
	return err
}
