// Package stream is what the store's parts know of NATS: a connection, and
// streams on it as the store needs them.
//
//	Conn ── Stream ─┬─ Last, Get, State        answered by the stream's leader
//	                ├─ Publish, PublishBatch   on disk when they return
//	                └─ Read ── Messages        in order, without gaps
//
// Conn.Stream makes sure that a stream has the settings that its reads and
// writes depend on, whoever made it. Every call returns hearth's kinds of
// errors: hearth.ErrUnavailable when the server did not answer, the cause of
// ctx when that ended first. What the messages mean is the callers' business.
package stream

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/hearthd/hearth"
	"github.com/nats-io/nats.go/jetstream"
)

// Stream is a stream that has the settings it was opened with. It lives as long
// as its connection; methods may be called from several goroutines.
type Stream struct {
	conn    *Conn
	name    string
	handle  jetstream.Stream
	batches chan struct{} // a slot for each batch in flight
}

// Stream returns the stream that want describes: it creates a missing one,
// repairs settings that can be changed, and refuses a stream whose settings
// cannot (hearth.ErrInvalid).
func (c *Conn) Stream(ctx context.Context, want jetstream.StreamConfig) (*Stream, error) {
	handle, err := ensure(ctx, c.js, want)
	if err != nil {
		return nil, err
	}
	return &Stream{conn: c, name: want.Name, handle: handle, batches: make(chan struct{}, maxBatches)}, nil
}

// UntilReconnect returns a context that ends when the connection has been made
// again: what the server sent in between is lost.
func (s *Stream) UntilReconnect() context.Context {
	s.conn.mu.Lock()
	defer s.conn.mu.Unlock()
	return s.conn.connected
}

// Last returns the last message of a subject; hearth.ErrNotFound.
func (s *Stream) Last(ctx context.Context, subject string) (*jetstream.RawStreamMsg, error) {
	msg, err := s.handle.GetLastMsgForSubject(ctx, subject)
	return found(ctx, msg, err)
}

// Get returns the message of a sequence; hearth.ErrNotFound when there is none,
// or none any more.
func (s *Stream) Get(ctx context.Context, sequence uint64) (*jetstream.RawStreamMsg, error) {
	msg, err := s.handle.GetMsg(ctx, sequence)
	return found(ctx, msg, err)
}

func found(ctx context.Context, msg *jetstream.RawStreamMsg, err error) (*jetstream.RawStreamMsg, error) {
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, hearth.ErrNotFound
	}
	if err != nil {
		return nil, failure(ctx, err)
	}
	return msg, nil
}

// State returns how many messages there are, and their first and last sequence.
func (s *Stream) State(ctx context.Context) (jetstream.StreamState, error) {
	return s.state(ctx)
}

// Subjects returns the subjects that match a filter, and how many messages each
// has. The caller owns the map.
func (s *Stream) Subjects(ctx context.Context, filter string) (map[string]uint64, error) {
	state, err := s.state(ctx, jetstream.WithSubjectFilter(filter))
	return state.Subjects, err
}

func (s *Stream) state(ctx context.Context, opts ...jetstream.StreamInfoOpt) (jetstream.StreamState, error) {
	info, err := s.handle.Info(ctx, opts...)
	if err != nil {
		return jetstream.StreamState{}, failure(ctx, err)
	}
	return info.State, nil
}

// Purge removes messages.
func (s *Stream) Purge(ctx context.Context, opts ...jetstream.StreamPurgeOpt) error {
	if err := s.handle.Purge(ctx, opts...); err != nil {
		return failure(ctx, err)
	}
	return nil
}

func ensure(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) (jetstream.Stream, error) {
	stream, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		stream, err = js.CreateStream(ctx, want)
	}
	if err != nil {
		return nil, fmt.Errorf("open stream %s: %w", want.Name, unavailable(err))
	}
	have := stream.CachedInfo().Config
	if reflect.DeepEqual(guarded(have), guarded(want)) {
		return stream, nil
	}
	stream, err = js.UpdateStream(ctx, repaired(have, want))
	if err != nil {
		return nil, fmt.Errorf("stream %s has settings that hearth cannot work with, and they cannot be changed; move it away: %w: %w",
			want.Name, hearth.ErrInvalid, err)
	}
	if have = stream.CachedInfo().Config; !reflect.DeepEqual(guarded(have), guarded(want)) {
		return nil, fmt.Errorf("stream %s keeps settings that hearth cannot work with after they were changed; move it away: %w",
			want.Name, hearth.ErrInvalid)
	}
	return stream, nil
}

// guarded keeps the settings that correctness depends on, for comparing.
func guarded(c jetstream.StreamConfig) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Subjects:           c.Subjects,
		Retention:          c.Retention,
		Storage:            c.Storage,
		MaxMsgsPerSubject:  max(c.MaxMsgsPerSubject, 0), // the server writes -1 for none
		MaxAge:             c.MaxAge,
		Discard:            c.Discard,
		AllowRollup:        c.AllowRollup,
		DenyDelete:         c.DenyDelete,
		DenyPurge:          c.DenyPurge,
		AllowDirect:        c.AllowDirect,
		AllowAtomicPublish: c.AllowAtomicPublish,
		PersistMode:        c.PersistMode, // async would switch the syncs off
	}
}

// repaired is have with the guarded settings of want. The rest, replicas
// and limits among it, is the operator's.
func repaired(have, want jetstream.StreamConfig) jetstream.StreamConfig {
	have.Subjects = want.Subjects
	have.Retention = want.Retention
	have.Storage = want.Storage
	have.MaxMsgsPerSubject = want.MaxMsgsPerSubject
	have.MaxAge = want.MaxAge
	have.Discard = want.Discard
	have.AllowRollup = want.AllowRollup
	have.DenyDelete = want.DenyDelete
	have.DenyPurge = want.DenyPurge
	have.AllowDirect = want.AllowDirect
	have.AllowAtomicPublish = want.AllowAtomicPublish
	have.PersistMode = want.PersistMode
	return have
}
