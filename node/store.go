package node

import (
	"context"
	"log/slog"

	"github.com/hearthd/hearth/store"
	"github.com/hearthd/hearth/store/jetstream"
	"github.com/hearthd/hearth/store/mem"
)

// eventLog is the name of the log that asynchronous events wait in.
const eventLog = "events"

// Store is where a node keeps what lasts. Nodes that share KV and Blobs see the same
// functions; Events has one reader, and so is each node's own.
type Store struct {
	KV     store.KV
	Blobs  store.Blobs
	Events store.Log

	closer interface{ Close() error } // nil: nothing to close
}

// OpenStore opens the store in a directory, which is made when there is none. ctx
// bounds the opening. The caller closes the store after the node.
func OpenStore(ctx context.Context, dir string, logger *slog.Logger) (*Store, error) {
	s, err := jetstream.Open(ctx, jetstream.Options{Dir: dir, Logger: logger})
	if err != nil {
		return nil, err
	}
	log, err := s.Log(ctx, eventLog)
	if err != nil {
		_ = s.Close() // the error before is the one that counts
		return nil, err
	}
	return &Store{KV: s.KV(), Blobs: s.Blobs(), Events: log, closer: s}, nil
}

// MemoryStore returns a store that ends with the process.
func MemoryStore() *Store {
	kv := mem.NewKV()
	return &Store{KV: kv, Blobs: mem.NewBlobs(), Events: mem.NewLog(), closer: kv}
}

// Close closes the store.
func (s *Store) Close() error {
	if s.closer == nil {
		return nil
	}
	return s.closer.Close()
}
