package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/hearthd/hearth/internal/lambdaclient"
)

const eventHeader = "%-26s %8s %10s %9s %9s %8s %8s %10s %10s\n"

// benchEvents measures how fast events are accepted, each of them on disk
// before the answer, while functions run them, and how long those that were
// left over take.
func benchEvents(h *peer, d time.Duration) error {
	fmt.Printf("\n"+eventHeader, "events", "clients", "accepts/s", "p50 ms", "p99 ms", "429", "errors", "left over", "drained s")
	event := http.Header{"X-Amz-Invocation-Type": {"Event"}}
	for _, clients := range []int{1, 64, 256} {
		o := load(h.invokeURL("bench-go"), event, clients, d)
		start := time.Now()
		left, err := h.drained()
		if err != nil {
			return err
		}
		fmt.Printf(eventHeader, "hearth, Go bootstrap", fmt.Sprint(clients), fmt.Sprintf("%.0f", o.rate), ms(o.p50), ms(o.p99),
			fmt.Sprint(o.throttles), fmt.Sprint(o.errors), fmt.Sprint(left), fmt.Sprintf("%.2f", time.Since(start).Seconds()))
	}
	return nil
}

// drained waits until no event is left and returns how many there were.
func (p *peer) drained() (left int, err error) {
	for i := 0; ; i++ {
		var events lambdaclient.Events
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
