package stream_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/hearthd/hearth/store/jetstream/jetstreamtest"
	"github.com/hearthd/hearth/store/jetstream/stream"
)

// A request that somebody takes and nobody answers: what was sent for it may be
// lost, and another consumer must stand in.
func TestMessages_NoSignOfTheRequest_IsALostConsumer(t *testing.T) {
	srv := jetstreamtest.Serve(t, nil)
	conn, err := stream.Dial(t.Context(), stream.Options{URL: srv.ClientURL(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	m, asked, err := stream.Nowhere(conn, 20*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	defer m.Close(ctx)
	if _, _, err := m.Next(ctx); !stream.Lost(err) {
		t.Errorf("next: %v, want a consumer that is lost", err)
	}
	if len(asked) != 1 {
		t.Errorf("%d more requests", len(asked))
	}
}
