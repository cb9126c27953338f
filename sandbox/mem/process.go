package mem

import (
	"context"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/hearthd/hearth/sandbox"
)

// Program is what a process runs. It must return soon after ctx ends, which is
// when the process is killed; what it returns then does not matter. p is its
// own for as long as it runs.
type Program func(ctx context.Context, p *Proc) sandbox.Exit

// Proc is what a program sees of its process.
type Proc struct {
	Args   []string
	Env    []string
	Dir    string
	Stdout io.Writer
	Stderr io.Writer
	Log    io.Writer // nil when the command has none
	// Conns are the connections to the Runtime API of a restored process, in the
	// order in which they were opened before the snapshot.
	Conns []net.Conn

	process *Process
}

// Getenv returns a variable of the process's environment, the last one of its
// name, or "".
func (p *Proc) Getenv(key string) string {
	for _, v := range slices.Backward(p.Env) {
		if value, ok := strings.CutPrefix(v, key+"="); ok {
			return value
		}
	}
	return ""
}

// Dial connects to the sandbox's Runtime API. The connection is closed when
// the process ends.
func (p *Proc) Dial() (net.Conn, error) { return p.process.dial() }

// Notify has signals delivered instead of ending the process, as os/signal
// does. It replaces an earlier call. The channel has room for one signal;
// more are dropped until it is read. SIGKILL cannot be caught.
func (p *Proc) Notify(signals ...syscall.Signal) <-chan syscall.Signal {
	p.process.mu.Lock()
	defer p.process.mu.Unlock()
	p.process.caught, p.process.signals = signals, make(chan syscall.Signal, 1)
	return p.process.signals
}

// Process is a running or ended program.
type Process struct {
	sandbox *Sandbox
	number  int // of its start in the sandbox
	cmd     sandbox.Command
	files   []*os.File // duplicates of standard output, error and the log, or nil
	done    chan struct{}
	exit    sandbox.Exit // written before done is closed

	ctx    context.Context // the program's; ends when the process is killed
	cancel context.CancelFunc

	mu      sync.Mutex
	killed  syscall.Signal
	caught  []syscall.Signal
	signals chan syscall.Signal
	conns   []*conn
	state   []byte        // what Keep was given; nil: at work
	kept    chan struct{} // closed by Keep, when there is a state
}

func newProcess(start context.Context, s *Sandbox, cmd sandbox.Command, files []*os.File) *Process {
	ctx, cancel := context.WithCancel(context.WithoutCancel(start))
	return &Process{sandbox: s, cmd: cmd, files: files, done: make(chan struct{}), kept: make(chan struct{}), ctx: ctx, cancel: cancel}
}

// run is the life of the process.
func (p *Process) run(program Program) {
	proc := &Proc{
		Args: slices.Clone(p.cmd.Args), Env: slices.Clone(p.cmd.Env), Dir: p.cmd.Dir,
		Stdout: io.Discard, Stderr: io.Discard, process: p,
	}
	if p.files[0] != nil {
		proc.Stdout = p.files[0]
	}
	if p.files[1] != nil {
		proc.Stderr = p.files[1]
	}
	if p.files[2] != nil {
		proc.Log = p.files[2]
	}
	for _, c := range p.open() { // none, unless it is restored
		proc.Conns = append(proc.Conns, c)
	}
	exit := program(p.ctx, proc)
	p.cancel()
	p.closeFiles()

	p.mu.Lock()
	if p.killed != 0 {
		exit = sandbox.Exit{Signal: p.killed}
	}
	p.mu.Unlock()
	for _, c := range p.open() {
		c.Close()
	}
	p.sandbox.closePorts(p)
	p.sandbox.mu.Lock()
	delete(p.sandbox.live, p)
	p.sandbox.mu.Unlock()
	p.exit = exit
	close(p.done)
}

func (p *Process) closeFiles() {
	for _, f := range p.files {
		if f != nil {
			f.Close()
		}
	}
}

// dial connects to the listener.
func (p *Process) dial() (net.Conn, error) {
	if err := p.sandbox.gate.pass(p.ctx); err != nil {
		return nil, err
	}
	return p.connect(p.ctx, p.sandbox.newPort())
}

// connect connects to the listener from a port.
func (p *Process) connect(ctx context.Context, port int) (net.Conn, error) {
	c, outside, err := p.pipe(port)
	if err != nil {
		return nil, err
	}
	if err := p.sandbox.listener.offer(ctx, &apiConn{outside, port}); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// pipe makes a connection whose inner end is the process's.
func (p *Process) pipe(port int) (inside *conn, outside net.Conn, err error) {
	near, outside := net.Pipe()
	inside = &conn{Conn: near, process: p, port: port}
	p.mu.Lock()
	killed := p.killed != 0
	p.conns = append(p.conns, inside)
	p.mu.Unlock()
	if killed { // too late for kill to close it
		inside.Close()
		return nil, nil, net.ErrClosed
	}
	return inside, outside, nil
}

// open are the connections that are not closed.
func (p *Process) open() []*conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.conns)
}

func (p *Process) forget(c *conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = slices.DeleteFunc(p.conns, func(other *conn) bool { return other == c })
}

// kill ends the program's context, connections and listeners. The first signal counts.
func (p *Process) kill(sig syscall.Signal) {
	p.mu.Lock()
	if p.killed == 0 {
		p.killed = sig
	}
	p.mu.Unlock()
	p.cancel()
	for _, c := range p.open() {
		c.Close()
	}
	p.sandbox.closePorts(p)
}

// Signal ends the process, unless its program asked for the signal or the
// signal is one that ends no process.
func (p *Process) Signal(sig syscall.Signal) error {
	select {
	case <-p.done:
		return os.ErrProcessDone
	default:
	}
	p.mu.Lock()
	caught, signals := slices.Contains(p.caught, sig) && sig != syscall.SIGKILL, p.signals
	p.mu.Unlock()
	switch {
	case caught:
		select {
		case signals <- sig:
		default: // pending already, as with a real one
		}
	case sig == 0 || sig == syscall.SIGCHLD || sig == syscall.SIGCONT || sig == syscall.SIGURG || sig == syscall.SIGWINCH:
	default:
		p.kill(sig)
	}
	return nil
}

// Done is closed when the program has returned.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit says how it ended.
func (p *Process) Exit() sandbox.Exit { return p.exit }
