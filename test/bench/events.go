package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/hearthd/hearth/api/own"
)

const eventHeader = "%-26s %8s %10s %9s %9s %8s %8s %10s %10s\n"

// benchEvents measures how fast events are accepted, each of them on disk
// before the answer, and how long those that were left over take: first while
// the functions that run them take their share of the machine, as many at a time
// as the queue likes, then on a daemon that runs one at a time, so that nearly
// all of the machine accepts.
func benchEvents(h *peer, binary, dir, bootstrap string, d time.Duration, flags ...string) error {
	fmt.Printf("\n"+eventHeader, "events", "clients", "accepts/s", "p50 ms", "p99 ms", "429", "errors", "left over", "drained s")
	if err := eventRows(h, "run meanwhile", d); err != nil {
		return err
	}
	second := filepath.Join(dir, "ahead")
	if err := os.Mkdir(second, 0o700); err != nil {
		return err
	}
	ahead, err := startHearth(binary, second, append(flags, "--max-concurrency", "2")...)
	if err != nil {
		return err
	}
	defer ahead.stop()
	if err := ahead.create("bench-go", "provided.al2023", "bootstrap", map[string]string{"bootstrap": bootstrap}); err != nil {
		return err
	}
	return eventRows(ahead, "run one at a time", d/2)
}

func eventRows(h *peer, what string, d time.Duration) error {
	event := http.Header{"X-Amz-Invocation-Type": {"Event"}}
	for _, clients := range []int{1, 64, 256} {
		o := load(h.invokeURL("bench-go"), event, clients, d)
		start := time.Now()
		left, err := h.drained()
		if err != nil {
			return err
		}
		fmt.Printf(eventHeader, what, fmt.Sprint(clients), fmt.Sprintf("%.0f", o.rate), ms(o.p50), ms(o.p99),
			fmt.Sprint(o.throttles), fmt.Sprint(o.errors), fmt.Sprint(left), fmt.Sprintf("%.2f", time.Since(start).Seconds()))
	}
	return nil
}

// drained waits until no event is left and returns how many there were.
func (p *peer) drained() (left int, err error) {
	for i := 0; ; i++ {
		var events own.Events
		if err := p.call(http.MethodGet, "/_hearth/events", nil, &events); err != nil {
			return 0, err
		}
		waiting := events.Ready + events.Running + events.Delayed
		if i == 0 {
			left = waiting
		}
		if waiting == 0 {
			return left, nil
		}
		pause(10 * time.Millisecond)
	}
}
