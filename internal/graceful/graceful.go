// Package graceful serves HTTP until it is told to stop, and then lets requests in
// progress finish.
package graceful

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Grace is how long requests may go on once a server is told to stop.
const Grace = 10 * time.Second

// Serve answers requests on l until ctx ends, and then those in progress, for Grace
// at most. It closes l. An error says that serving failed, not that it ended.
func Serve(ctx context.Context, server *http.Server, l net.Listener, logger *slog.Logger) error {
	served := make(chan error, 1)
	// Ends with Shutdown or Close of the server; waited for below.
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	logger.Info("stopping")
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), Grace)
	defer cancel()
	err := server.Shutdown(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		logger.Warn("requests in progress are cut off", "after", Grace)
		err = server.Close()
	}
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}
