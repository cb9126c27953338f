package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// coldStart is where the time of a first request went; medians.
type coldStart struct {
	total   time.Duration // request to response, as the client sees it
	init    time.Duration // process start until the runtime asks for an event
	invoke  time.Duration // the event itself
	rest    time.Duration // total less the two: sandbox, dispatch, HTTP
	samples int
}

var (
	initPattern     = regexp.MustCompile(`\tInit Duration: ([0-9.]+) ms`)
	durationPattern = regexp.MustCompile(`\tDuration: ([0-9.]+) ms`)
)

// measureCold invokes a function n times, each time on a new environment.
func (p *peer) measureCold(name string, n int) (coldStart, error) {
	var totals, inits, invokes, rests []time.Duration
	for i := range n + 1 {
		if err := p.renew(name, i); err != nil {
			return coldStart{}, err
		}
		// The environment of the last sample is closed meanwhile, and spare
		// sandboxes are made again.
		pause(200 * time.Millisecond)
		start := time.Now()
		log, err := p.invokeTail(name)
		total := time.Since(start)
		if err != nil {
			return coldStart{}, err
		}
		init, invoke := millis(initPattern, log), millis(durationPattern, log)
		if init == 0 {
			return coldStart{}, fmt.Errorf("%s: not a cold start: %q", name, log)
		}
		if i == 0 {
			continue // the first has the files to read
		}
		totals, inits, invokes = append(totals, total), append(inits, init), append(invokes, invoke)
		rests = append(rests, total-init-invoke)
	}
	return coldStart{median(totals), median(inits), median(invokes), median(rests), n}, nil
}

func pause(d time.Duration) { <-time.After(d) }

func (p *peer) invokeTail(name string) (string, error) {
	req, err := http.NewRequest(http.MethodPost, p.invokeURL(name), strings.NewReader(`{"name":"bench"}`)) //nolint:noctx // local
	if err != nil {
		return "", err
	}
	req.Header.Set("X-Amz-Log-Type", "Tail")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close() // read only
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Amz-Function-Error") != "" {
		return "", fmt.Errorf("invoke %s: %s: %s", name, resp.Status, body)
	}
	log, err := base64.StdEncoding.DecodeString(resp.Header.Get("X-Amz-Log-Result"))
	return string(log), err
}

func millis(p *regexp.Regexp, log string) time.Duration {
	m := p.FindStringSubmatch(log)
	if m == nil {
		return 0
	}
	ms, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0
	}
	return time.Duration(ms * float64(time.Millisecond))
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return percentile(d, 50)
}
