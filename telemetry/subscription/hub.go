// Package subscription serves the Telemetry API, and the Logs API before it:
// extensions of one environment subscribe to what the environment emits, and
// get it in batches over HTTP or TCP.
//
//	environment ──► Hub ──► the log stream's Recorder
//	                 │
//	                 └─► a queue per subscriber ──► its goroutine ──► listener in the sandbox
//
// A Hub is the environment's Recorder and hands everything on at once. Until
// somebody subscribes it keeps what comes since the start of the init phase, for
// those who subscribe late; when the init phase is over without a subscriber it
// costs nothing any more.
//
// # Delivery
//
// A batch is due when the subscriber's maxItems or maxBytes are reached, or its
// timeoutMs are over, and no later than the environment is frozen: Hold delivers
// what is left before, and nothing is delivered while frozen processes could
// not take it. A batch that is not taken is sent again with growing pauses, a
// subscriber may thus see records twice, and is given up after some ten seconds:
// platform.logsDropped says what was lost. While the environment waits for its
// next init after a reset, batches wait with it. Queues are bounded.
//
// A subscription belongs to the name of its extension and survives a reset.
package subscription

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hearthd/hearth"
	"github.com/hearthd/hearth/telemetry/schema"
)

// Recorder is what the Hub hands everything on to.
type Recorder interface {
	Record(ev *hearth.PlatformEvent)
	Output(source hearth.LogSource, line []byte)
	Message(m hearth.LogMessage)
	CutTail(wanted bool) []byte
}

// Network reaches listeners in the environment's sandbox.
type Network interface {
	Dial(ctx context.Context, port int) (net.Conn, error)
}

// Bounds of what is kept for those who subscribe late.
const (
	maxEarly      = 10000
	maxEarlyBytes = 1 << 20
)

// Hub is the subscriptions of one environment. It is a Recorder; its methods
// may be called from several goroutines. Close it.
type Hub struct {
	env    schema.Environment
	next   Recorder
	logger *slog.Logger

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	wg     sync.WaitGroup // a goroutine for each subscriber

	live atomic.Bool // there is a subscriber, or there may be one yet

	mu         sync.Mutex
	network    Network
	subs       map[string]*subscriber // by the extension's name
	keeping    bool                   // there may be subscribers yet who want early
	early      []entry
	earlyBytes int
	lost       int // early records that there was no room for
	lostBytes  int
	held       bool
	broken     bool // a failure was reported, and nothing began since
	closed     bool
}

// entry is an event or a line.
type entry struct {
	event  *hearth.PlatformEvent // nil: a line
	time   time.Time
	source hearth.LogSource
	line   []byte
}

// New returns the hub of an environment. logger may be nil.
func New(ctx context.Context, env schema.Environment, next Recorder, logger *slog.Logger) *Hub {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	h := &Hub{env: env, next: next, logger: logger, subs: make(map[string]*subscriber), keeping: true}
	h.ctx, h.cancel = context.WithCancel(context.WithoutCancel(ctx))
	h.live.Store(true)
	return h
}

// Connect says how listeners are reached. Nothing is delivered before.
func (h *Hub) Connect(n Network) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.network = n
}

// Record takes a platform event.
func (h *Hub) Record(ev *hearth.PlatformEvent) {
	h.next.Record(ev)
	if ev.Kind == hearth.EventInitStart {
		h.live.Store(true)
	}
	if h.live.Load() {
		h.publish(entry{event: ev, time: ev.Time})
	}
}

// Output takes a line of a process.
func (h *Hub) Output(source hearth.LogSource, line []byte) {
	h.next.Output(source, line)
	if h.live.Load() {
		h.publish(entry{time: time.Now(), source: source, line: line})
	}
}

// Message takes an event of the framed log.
func (h *Hub) Message(m hearth.LogMessage) {
	h.next.Message(m)
	if h.live.Load() {
		h.publish(entry{time: m.Time, source: hearth.SourceFunction, line: m.Text})
	}
}

// CutTail is the next Recorder's.
func (h *Hub) CutTail(wanted bool) []byte { return h.next.CutTail(wanted) }

// publish gives an entry, which is only lent, to every subscriber.
func (h *Hub) publish(e entry) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.followLocked(e.event)
	for _, s := range h.subs {
		s.take(&h.env, e)
	}
	if e.event != nil && e.event.Kind == hearth.EventInitStart {
		h.keeping = true
	}
	if h.keeping {
		h.keepLocked(e)
	}
	if e.event != nil && e.event.Kind == hearth.EventInitReport && e.event.Status == hearth.StatusSuccess {
		// Nobody can subscribe until there is another init phase.
		h.early, h.earlyBytes, h.lost, h.lostBytes, h.keeping = nil, 0, 0, 0, false
		h.live.Store(len(h.subs) > 0)
	}
}

// followLocked keeps track of whether subscribers can be expected to listen.
func (h *Hub) followLocked(ev *hearth.PlatformEvent) {
	broken := h.broken
	switch {
	case ev == nil:
	case ev.Kind == hearth.EventInitStart, ev.Kind == hearth.EventStart:
		broken = false
	case ev.Kind == hearth.EventInitReport, ev.Kind == hearth.EventReport:
		broken = ev.Status != hearth.StatusSuccess
	}
	if broken != h.broken {
		h.broken = broken
		h.tellLocked()
	}
}

// tellLocked tells subscribers whether to deliver.
func (h *Hub) tellLocked() {
	for _, s := range h.subs {
		s.tell(h.held, h.broken)
	}
}

// keepLocked keeps a copy for those who subscribe late.
func (h *Hub) keepLocked(e entry) {
	size := 200 + len(e.line)
	if len(h.early) >= maxEarly || h.earlyBytes+size > maxEarlyBytes {
		h.lost, h.lostBytes = h.lost+1, h.lostBytes+size
		return
	}
	if e.event != nil {
		ev := *e.event
		e.event = &ev
	} else {
		e.line = append([]byte(nil), e.line...)
	}
	h.early = append(h.early, e)
	h.earlyBytes += size
}

// Subscribe takes the body of a subscription, and returns the answer to it. api
// is the API that was called: TelemetryAPI or LogsAPI.
func (h *Hub) Subscribe(extension, api string, body []byte) (status int, reply []byte) {
	r, refused := parse(api, body)
	if refused != nil {
		return refused.status, refused.body()
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed || h.network == nil {
		return closedRefusal(api).status, closedRefusal(api).body()
	}
	kind := hearth.EventSubscription
	if api == LogsAPI {
		kind = hearth.EventLogsSubscription
	}
	ev := hearth.PlatformEvent{Kind: kind, Time: time.Now(), Name: extension, Types: r.types}
	s, again := h.subs[extension]
	switch {
	case again && s.api != api:
		mixed := &refusal{400, accessDenied, "An extension can subscribe to the Telemetry API or to the Logs API, not to both"}
		return mixed.status, mixed.body()
	case again:
		s.change(r)
		ev.State, reply = "Already subscribed", []byte(`"AlreadySubscribed"`)
	default:
		h.addLocked(extension, api, r)
		ev.State, reply = "Subscribed", []byte(`"OK"`)
	}
	h.next.Record(&ev)
	for _, other := range h.subs {
		other.take(&h.env, entry{event: &ev, time: ev.Time})
	}
	h.keepLocked(entry{event: &ev, time: ev.Time})
	h.live.Store(true)
	return 200, reply
}

// addLocked starts a subscriber, with what came before it.
func (h *Hub) addLocked(extension, api string, r *request) {
	s := newSubscriber(extension, api, r, h.network, h.dropped)
	s.tell(h.held, h.broken)
	for _, e := range h.early {
		s.take(&h.env, e)
	}
	if h.lost > 0 {
		s.lose(h.lost, h.lostBytes)
	}
	h.subs[extension] = s
	h.wg.Go(func() { s.run(h.ctx) }) // owned by Close
}

// dropped reports records that a subscriber lost.
func (h *Hub) dropped(s *subscriber, records, bytes int) {
	h.logger.Warn("telemetry was dropped: its subscriber does not take it",
		"extension", s.name, "records", records, "bytes", bytes, "instance", h.env.InstanceID)
	ev := hearth.PlatformEvent{
		Kind: hearth.EventLogsDropped, Time: time.Now(), Records: records, Bytes: bytes,
		Reason: "Consumer seems to have fallen behind as it has not acknowledged receipt of logs.",
	}
	h.next.Record(&ev)
	s.take(&h.env, entry{event: &ev, time: ev.Time})
}

// Flush has everything delivered that is buffered, and returns when it is, when
// a subscriber does not take it, or when ctx ends.
func (h *Hub) Flush(ctx context.Context) {
	for _, s := range h.subscribers() {
		select {
		case <-s.flush():
		case <-ctx.Done():
		case <-h.ctx.Done():
		}
	}
}

func (h *Hub) subscribers() []*subscriber {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]*subscriber, 0, len(h.subs))
	for _, s := range h.subs {
		all = append(all, s)
	}
	return all
}

// Hold stops deliveries, because the processes are about to be frozen, or lets
// them go on.
func (h *Hub) Hold(held bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.held = held
	h.tellLocked()
}

// Close ends every subscription; what was not delivered is lost. It returns when
// nothing of the hub runs.
func (h *Hub) Close() {
	h.mu.Lock()
	h.closed = true
	h.mu.Unlock()
	h.live.Store(false)
	h.cancel()
	h.wg.Wait()
}
