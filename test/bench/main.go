// Command bench measures hearth on this machine and prints one table. Every
// figure of a table comes from one run, so that ratios hold where absolute
// figures drift: first the limit, a bare long-poll ping-pong over net/http with
// the same bootstrap, then hearth, then asynchronous events, streams, cold starts
// and the control plane.
//
//	go run ./test/bench [-seconds 4] [-cold 15] [-functions 10000] [-hearth bin/hearth]
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

func main() {
	bareBootstrap := flag.String("bare", "", "run as the bare peer with this `BOOTSTRAP`; used by the benchmark itself")
	workers := flag.Int("workers", 1, "bootstraps of the bare peer")
	seconds := flag.Float64("seconds", 4, "length of each load run")
	cold := flag.Int("cold", 15, "cold starts of each runtime")
	functions := flag.Int("functions", 10000, "functions for the rows of the control plane")
	binary := flag.String("hearth", "bin/hearth", "the `BINARY` to measure")
	sandbox := flag.String("sandbox", "auto", "hearth's --sandbox")
	flag.Parse()
	var err error
	if *bareBootstrap != "" {
		err = runBare(*bareBootstrap, *workers)
	} else {
		err = run(*binary, *sandbox, time.Duration(*seconds*float64(time.Second)), *cold, *functions)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(binary, sandbox string, d time.Duration, cold, functions int) error {
	dir, err := os.MkdirTemp("", "hearth-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) // a temporary directory
	bootstrap := filepath.Join(dir, "bootstrap")
	if err := compile(bootstrap, "./test/bench/bootstrap"); err != nil {
		return err
	}
	fmt.Printf("%s/%s, %d cores, %s, %s a run\n\n", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), d)
	limits, err := benchBare(bootstrap, d)
	if err != nil {
		return err
	}
	h, err := startHearth(binary, dir, "--sandbox", sandbox)
	if err != nil {
		return err
	}
	defer h.stop()
	if err := benchWarm(h, bootstrap, d, limits); err != nil {
		return err
	}
	if err := benchExtension(h, dir, bootstrap, d, limits); err != nil {
		return err
	}
	if err := benchEvents(h, binary, dir, bootstrap, d, "--sandbox", sandbox); err != nil {
		return err
	}
	if err := benchStream(context.Background(), h, dir); err != nil {
		return err
	}
	if err := benchCold(h, dir, cold); err != nil {
		return err
	}
	return benchControl(h, dir, functions, d)
}

const warmHeader = "%-26s %8s %10s %9s %9s %8s %8s %8s\n"

func benchBare(bootstrap string, d time.Duration) (map[int]float64, error) {
	fmt.Printf(warmHeader, "warm", "clients", "requests/s", "p50 ms", "p99 ms", "429", "errors", "x bare")
	limits := map[int]float64{}
	for _, clients := range []int{1, 8, 64} {
		p, err := startBare(bootstrap, min(clients, 8))
		if err != nil {
			return nil, err
		}
		o := load(p.url, nil, clients, d)
		p.stop()
		limits[clients] = o.rate
		row("bare net/http ping-pong", clients, o, 1)
	}
	return limits, nil
}

func benchWarm(h *peer, bootstrap string, d time.Duration, limits map[int]float64) error {
	if err := h.create("bench-go", "provided.al2023", "bootstrap", map[string]string{"bootstrap": bootstrap}); err != nil {
		return err
	}
	for _, clients := range []int{1, 8, 64, 512} {
		o := load(h.invokeURL("bench-go"), nil, clients, d)
		ratio := 0.0
		if limits[clients] > 0 {
			ratio = o.rate / limits[clients]
		}
		row("hearth, Go bootstrap", clients, o, ratio)
	}
	return nil
}

// benchExtension is benchWarm for a function with one external extension that
// asks for every invocation: the environment is free when both are.
func benchExtension(h *peer, dir, bootstrap string, d time.Duration, limits map[int]float64) error {
	extension := filepath.Join(dir, "extension")
	if err := compile(extension, "./test/bench/extension"); err != nil {
		return err
	}
	layer, err := h.publishLayer("bench-extension", map[string]string{"extensions/bench": extension})
	if err != nil {
		return err
	}
	if err := h.create("bench-extended", "provided.al2023", "bootstrap", map[string]string{"bootstrap": bootstrap}, layer); err != nil {
		return err
	}
	for _, clients := range []int{1, 8} {
		o := load(h.invokeURL("bench-extended"), nil, clients, d)
		row("with an INVOKE extension", clients, o, o.rate/limits[clients])
	}
	return nil
}

// compile builds a static program of this repository.
func compile(to, pkg string) error {
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", to, pkg)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w: %s", pkg, err, out)
	}
	return nil
}

func row(what string, clients int, o outcome, ratio float64) {
	x := "-"
	if ratio > 0 {
		x = fmt.Sprintf("%.2f", ratio)
	}
	fmt.Printf(warmHeader, what, fmt.Sprint(clients), fmt.Sprintf("%.0f", o.rate), ms(o.p50), ms(o.p99),
		fmt.Sprint(o.throttles), fmt.Sprint(o.errors), x)
	for status, n := range o.statuses {
		fmt.Printf("  %d answers with status %d\n", n, status)
	}
}

const coldHeader = "%-26s %9s %9s %9s %9s\n"

func benchCold(h *peer, dir string, n int) error {
	python, node := filepath.Join(dir, "app.py"), filepath.Join(dir, "index.js")
	for file, code := range map[string]string{
		python: "def handler(event, context):\n    return event\n",
		node:   "exports.handler = async (event) => event\n",
	} {
		if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
			return err
		}
	}
	fmt.Printf("\n"+coldHeader, fmt.Sprintf("cold, medians of %d", n), "total ms", "sandbox+", "init", "invoke")
	for _, f := range []struct {
		name, runtime, handler string
		files                  map[string]string
	}{
		{"bench-go", "", "", nil},
		{"bench-python", "python3.11", "app.handler", map[string]string{"app.py": python}},
		{"bench-node", "nodejs20.x", "index.handler", map[string]string{"index.js": node}},
	} {
		if f.files != nil {
			if err := h.create(f.name, f.runtime, f.handler, f.files); err != nil {
				fmt.Printf("%-26s %s\n", f.name, err)
				continue
			}
		}
		c, err := h.measureCold(f.name, n)
		if err != nil {
			return err
		}
		fmt.Printf(coldHeader, f.name, ms(c.total), ms(c.rest), ms(c.init), ms(c.invoke))
	}
	return nil
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond)) }
