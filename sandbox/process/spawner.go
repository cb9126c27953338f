package process

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"

	"github.com/hearthd/hearth/sandbox"
)

// spawner starts processes from one operating system thread that lives as long
// as the driver. Linux kills a child that asked for it when the *thread* that
// forked it ends, not the process; the Go runtime ends threads as it likes.
type spawner struct {
	requests chan spawnRequest
	stop     chan struct{}
	running  sync.WaitGroup
}

type spawnRequest struct {
	args  []string
	attr  *os.ProcAttr
	reply chan spawnReply // has room for one
}

type spawnReply struct {
	child *os.Process
	err   error
}

// newSpawner starts the thread; close ends it.
func newSpawner() *spawner {
	s := &spawner{requests: make(chan spawnRequest), stop: make(chan struct{})}
	s.running.Go(s.run)
	return s
}

func (s *spawner) run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for {
		select {
		case r := <-s.requests:
			child, err := os.StartProcess(r.args[0], r.args, r.attr)
			r.reply <- spawnReply{child, err}
		case <-s.stop:
			return
		}
	}
}

// start forks and executes on the thread. ctx bounds the wait for the thread;
// a fork that has begun is always waited for.
func (s *spawner) start(ctx context.Context, args []string, attr *os.ProcAttr) (*os.Process, error) {
	r := spawnRequest{args: args, attr: attr, reply: make(chan spawnReply, 1)}
	select {
	case s.requests <- r:
		reply := <-r.reply
		return reply.child, reply.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-s.stop:
		return nil, sandbox.ErrClosed
	}
}

// close ends the thread. Children that asked for it die with it.
func (s *spawner) close() {
	close(s.stop)
	s.running.Wait()
}

// removeTree removes a directory in which function code may have made
// directories that cannot be listed.
func removeTree(dir string) error {
	err := os.RemoveAll(dir)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, _ error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(path, 0o700) // the second attempt reports what remains
		}
		return nil
	})
	return os.RemoveAll(dir)
}
