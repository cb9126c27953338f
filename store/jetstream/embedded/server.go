// Package embedded runs a NATS server inside the process, on a directory that
// nobody else uses meanwhile.
//
//	DIR/LOCK                   held while a daemon has the directory open; holds its pid
//	DIR/LAYOUT                 what wrote the directory; anything unknown is refused
//	DIR/standalone/jetstream/  the server's files
//
// Claim takes the directory, Start runs a server with Options in it. Whoever
// started the server shuts it down, and then gives the directory free.
package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hearthd/hearth/store/jetstream/stream"
	"github.com/nats-io/nats-server/v2/server"
)

// startTimeout bounds the start, in which the server reads its indexes.
const startTimeout = 30 * time.Second

// What a connection may be behind before the server ends it. The server's own
// bounds, 64 MiB and 10 s, are for strangers: on ours, a few dozen readers of
// large blobs at once are enough on a busy machine, and everything that is being
// read is lost with the connection. See the readers of package blobs for what there can be.
const (
	maxPending    = 1 << 30 // bytes
	writeDeadline = time.Minute
)

// Options are the server's, with up to maxBytes of disk (0: its own default, 3/4
// of what is free). It is standalone for ever: a server
// that is given cluster options deletes the streams it finds in storeDir.
func Options(storeDir string, maxBytes int64) *server.Options {
	return &server.Options{
		ServerName:             "hearth",
		DontListen:             true,
		NoSigs:                 true,
		JetStream:              true,
		StoreDir:               storeDir,
		SyncAlways:             true, // the default acknowledges first and syncs within two minutes
		MaxPayload:             stream.MaxPayload,
		MaxPending:             maxPending,
		WriteDeadline:          writeDeadline,
		JetStreamMaxMemory:     64 << 20,
		JetStreamMaxStore:      maxBytes,
		DisableJetStreamBanner: true,
	}
}

// Start starts a server and returns when it can be used. The caller
// shuts it down.
func Start(opts *server.Options, logger *slog.Logger) (*server.Server, error) {
	srv, err := server.NewServer(opts)
	if err != nil {
		return nil, fmt.Errorf("configure embedded NATS: %w", err)
	}
	srv.SetLoggerV2(serverLog{logger}, false, false, false)
	srv.Start()
	if !srv.ReadyForConnections(startTimeout) || !srv.JetStreamEnabled() {
		srv.Shutdown()
		srv.WaitForShutdown()
		return nil, errors.New("embedded NATS did not start; its errors are in the log")
	}
	return srv, nil
}

// serverLog passes the server's log on. What the server finds notable about
// its start is debug to hearth.
type serverLog struct{ logger *slog.Logger }

func (l serverLog) Noticef(format string, v ...any) { l.logger.Debug(fmt.Sprintf(format, v...)) }
func (l serverLog) Warnf(format string, v ...any)   { l.logger.Warn(fmt.Sprintf(format, v...)) }
func (l serverLog) Fatalf(format string, v ...any)  { l.logger.Error(fmt.Sprintf(format, v...)) }
func (l serverLog) Errorf(format string, v ...any)  { l.logger.Error(fmt.Sprintf(format, v...)) }
func (l serverLog) Debugf(format string, v ...any)  { l.logger.Debug(fmt.Sprintf(format, v...)) }
func (l serverLog) Tracef(format string, v ...any)  { l.logger.Debug(fmt.Sprintf(format, v...)) }
