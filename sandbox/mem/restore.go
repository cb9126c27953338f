package mem

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/hearthd/hearth/sandbox"
)

// Restored is what a process runs that was restored: a Program that goes on from
// what the snapshot holds, in p.Conns with what it had asked for.
type Restored func(ctx context.Context, p *Proc, state []byte) sandbox.Exit

// Keep says that the program does nothing but wait from now on, and what a snapshot
// is to hold of it until the next call. Nil, as at the beginning: the program is at
// work. The process owns state afterwards.
func (p *Proc) Keep(state []byte) { p.process.keep(state) }

func (p *Process) keep(state []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.state == nil && state != nil:
		close(p.kept)
	case p.state != nil && state == nil:
		p.kept = make(chan struct{})
	}
	p.state = state
}

// image is what is in a snapshot.
type image struct{ Processes []processImage }

type processImage struct {
	Args  []string
	Env   []string
	Dir   string
	Log   bool
	Ports []int // of the connections to the Runtime API, as they were opened
	State []byte
}

// imageName is the file of a snapshot: the digest of what follows, a newline, and an
// image as JSON.
const imageName = "snapshot.mem"

// Snapshot writes what the programs keep. All of them must be among
// Options.Restored.
func (s *Sandbox) Snapshot(ctx context.Context, dir string) error {
	var img image
	for _, p := range s.processes() {
		if _, ok := s.driver.opts.Restored[p.cmd.Args[0]]; !ok {
			return fmt.Errorf("snapshot of sandbox %s: %s has no other entry: %w", s.spec.ID, p.cmd.Args[0], sandbox.ErrNotRestorable)
		}
		one, err := p.image(ctx)
		if err != nil {
			return fmt.Errorf("snapshot of sandbox %s: %w", s.spec.ID, err)
		}
		img.Processes = append(img.Processes, one)
	}
	select {
	case <-s.done:
		return fmt.Errorf("snapshot of sandbox %s: %w", s.spec.ID, sandbox.ErrClosed)
	default:
	}
	content, err := json.Marshal(img)
	if err != nil {
		return fmt.Errorf("snapshot of sandbox %s: %w", s.spec.ID, err)
	}
	if err := os.WriteFile(filepath.Join(dir, imageName), append([]byte(digest(content)+"\n"), content...), 0o600); err != nil {
		return fmt.Errorf("snapshot of sandbox %s: %w", s.spec.ID, err)
	}
	return nil
}

// image waits until the process waits.
func (p *Process) image(ctx context.Context) (processImage, error) {
	for {
		if p.sandbox.listens(p) {
			return processImage{}, fmt.Errorf("%s listens on a port: %w", p.cmd.Args[0], sandbox.ErrNotRestorable)
		}
		p.mu.Lock()
		kept := p.kept
		p.mu.Unlock()
		select {
		case <-kept:
		case <-p.done:
			return processImage{}, fmt.Errorf("%s has ended: %w", p.cmd.Args[0], sandbox.ErrNotRestorable)
		case <-ctx.Done():
			return processImage{}, fmt.Errorf("%s does not come to rest: %w", p.cmd.Args[0], context.Cause(ctx))
		}
		p.mu.Lock()
		state, conns := p.state, slices.Clone(p.conns)
		p.mu.Unlock()
		if state == nil { // at work again
			continue
		}
		img := processImage{Args: p.cmd.Args, Env: p.cmd.Env, Dir: p.cmd.Dir, Log: p.files[2] != nil, State: state}
		for _, c := range conns {
			if c.port == 0 {
				return processImage{}, fmt.Errorf("%s has another connection: %w", p.cmd.Args[0], sandbox.ErrNotRestorable)
			}
			img.Ports = append(img.Ports, c.port)
		}
		return img, nil
	}
}

// listens reports whether a program listens on a port.
func (s *Sandbox) listens(p *Process) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.ports {
		if l.process == p {
			return true
		}
	}
	return false
}

// Restore runs what the programs of a snapshot are restored as.
func (s *Sandbox) Restore(ctx context.Context, dir string, streams []sandbox.Streams) ([]sandbox.Process, error) {
	procs, err := s.restore(ctx, dir, streams)
	if err != nil {
		return nil, fmt.Errorf("restore into sandbox %s: %w", s.spec.ID, err)
	}
	return procs, nil
}

func (s *Sandbox) restore(ctx context.Context, dir string, streams []sandbox.Streams) ([]sandbox.Process, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	img, err := s.readImage(dir)
	if err != nil {
		return nil, err
	}
	if len(streams) != len(img.Processes) {
		return nil, fmt.Errorf("streams for %d processes, and there are %d", len(streams), len(img.Processes))
	}
	procs, err := s.build(ctx, img, streams)
	if err == nil {
		err = s.adopt(procs, img)
	}
	for i := 0; err == nil && i < len(procs); i++ {
		err = procs[i].reconnect(ctx, img.Processes[i].Ports)
	}
	if err != nil {
		for _, p := range procs {
			p.kill(syscall.SIGKILL)
			p.run(func(context.Context, *Proc) sandbox.Exit { return sandbox.Exit{} })
		}
		return nil, err
	}
	restored := make([]sandbox.Process, len(procs))
	for i, p := range procs {
		program, state := s.driver.opts.Restored[p.cmd.Args[0]], img.Processes[i].State
		restored[i] = p
		// Owned by the sandbox: KillAll and Close wait for its Done.
		go p.run(func(ctx context.Context, proc *Proc) sandbox.Exit { return program(ctx, proc, state) })
	}
	return restored, nil
}

// build makes the processes of a snapshot, which nobody knows yet. On an error it
// returns those that it has made.
func (s *Sandbox) build(ctx context.Context, img image, streams []sandbox.Streams) (procs []*Process, err error) {
	for i, one := range img.Processes {
		cmd := sandbox.Command{Args: one.Args, Env: one.Env, Dir: one.Dir, Stdout: streams[i].Stdout, Stderr: streams[i].Stderr}
		if one.Log {
			cmd.Log = streams[i].Log
		}
		files, err := duplicate(cmd.Stdout, cmd.Stderr, cmd.Log)
		if err != nil {
			return procs, err
		}
		procs = append(procs, newProcess(ctx, s, cmd, files))
	}
	return procs, nil
}

// reconnect opens the connections to the Runtime API that a process had.
func (p *Process) reconnect(ctx context.Context, ports []int) error {
	for _, port := range ports {
		if _, err := p.connect(ctx, port); err != nil {
			return fmt.Errorf("connect %s: %w", p.cmd.Args[0], err)
		}
	}
	return nil
}

// adopt makes the processes of a snapshot the sandbox's, which must have none.
func (s *Sandbox) adopt(procs []*Process, img image) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.broken:
		return sandbox.ErrClosed
	case len(s.live) > 0:
		return errors.New("a process runs")
	}
	for i, p := range procs {
		s.addLocked(p)
		for _, port := range img.Processes[i].Ports {
			s.lastPort = max(s.lastPort, port)
		}
	}
	return nil
}

// readImage reads a snapshot whose programs the driver has.
func (s *Sandbox) readImage(dir string) (img image, err error) {
	raw, err := os.ReadFile(filepath.Join(dir, imageName))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return img, fmt.Errorf("%w: %w", sandbox.ErrSnapshotInvalid, err)
		}
		return img, err
	}
	sum, content, _ := bytes.Cut(raw, []byte("\n"))
	if string(sum) != digest(content) || json.Unmarshal(content, &img) != nil {
		return img, fmt.Errorf("%w: %s is damaged", sandbox.ErrSnapshotInvalid, imageName)
	}
	for _, one := range img.Processes {
		if _, ok := s.driver.opts.Restored[one.Args[0]]; !ok {
			return img, fmt.Errorf("%w: there is no program %s", sandbox.ErrSnapshotInvalid, one.Args[0])
		}
	}
	return img, nil
}

func digest(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
