package jetstream

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/hearthd/hearth"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	metaBucket = "hearth_meta"
	codeBucket = "hearth_code"
	metaPrefix = "$KV." + metaBucket + "."
	codePrefix = "$O." + codeBucket + "."
)

// metaStream is the stream of the records: NATS's key-value layout, but read
// from the leader only, and with atomic batches.
func metaStream(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               "KV_" + metaBucket,
		Description:        "hearth: functions and their configuration",
		Subjects:           []string{metaPrefix + ">"},
		Storage:            jetstream.FileStorage,
		Replicas:           replicas,
		MaxMsgsPerSubject:  1,
		Discard:            jetstream.DiscardNew,
		AllowRollup:        true,
		DenyDelete:         true,
		AllowDirect:        false, // any replica would answer, also one that lags
		AllowAtomicPublish: true,
	}
}

// codeStream is the stream of the blobs: NATS's object-store layout, read from
// the leader only.
func codeStream(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        "OBJ_" + codeBucket,
		Description: "hearth: code archives by digest",
		Subjects:    []string{codePrefix + "C.>", codePrefix + "M.>"},
		Storage:     jetstream.FileStorage,
		Replicas:    replicas,
		Discard:     jetstream.DiscardNew,
		AllowRollup: true,
		AllowDirect: false,
	}
}

// ensureStream returns the stream that want describes: it creates a missing
// one, repairs settings that can be changed, and refuses a stream whose
// settings cannot (hearth.ErrInvalid).
func ensureStream(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) (jetstream.Stream, error) {
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
