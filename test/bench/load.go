package main

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// outcome is what a load run measured.
type outcome struct {
	rate      float64 // answers a second
	p50, p99  time.Duration
	errors    int         // transport errors and 5xx
	throttles int         // 429
	statuses  map[int]int // of everything that was not 200
}

// load runs clients in closed loops against a URL, after a warm-up of a
// quarter of the time. The header, if any, goes with every request.
func load(url string, header http.Header, clients int, d time.Duration) outcome {
	transport := &http.Transport{
		MaxIdleConnsPerHost: clients, MaxIdleConns: clients,
		DialContext: (&net.Dialer{}).DialContext,
	}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}
	begin := time.Now().Add(d / 4)
	end := begin.Add(d)
	type sample struct {
		took   time.Duration
		status int
	}
	results := make([][]sample, clients)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			for time.Now().Before(end) {
				start := time.Now()
				status := post(client, url, header, `{"name":"bench"}`)
				if start.After(begin) {
					results[i] = append(results[i], sample{time.Since(start), status})
				}
			}
		})
	}
	wg.Wait()
	o := outcome{statuses: map[int]int{}}
	var good []time.Duration
	for _, s := range slices.Concat(results...) {
		switch {
		case s.status == http.StatusOK, s.status == http.StatusAccepted:
			good = append(good, s.took)
		case s.status == http.StatusTooManyRequests:
			o.throttles++
		default:
			o.errors++
			o.statuses[s.status]++
		}
	}
	slices.Sort(good)
	o.rate = float64(len(good)) / d.Seconds()
	o.p50, o.p99 = percentile(good, 50), percentile(good, 99)
	return o
}

func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, len(sorted)*p/100)]
}

// post returns the HTTP status; 0 when there was none, and 599 when the
// function failed.
func post(client *http.Client, url string, header http.Header, body string) int {
	req, err := http.NewRequest(http.MethodPost, url, bytes.NewReader([]byte(body))) //nolint:noctx // bounded by the peer
	if err != nil {
		return 0
	}
	req.Header.Set("Content-Type", "application/json")
	for name, values := range header {
		req.Header[name] = values
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if resp.Header.Get("X-Amz-Function-Error") != "" {
		return 599
	}
	return resp.StatusCode
}
