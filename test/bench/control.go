package main

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// controlClients is how many callers of the control plane there are at a time.
const controlClients = 8

// benchControl measures calls of the control plane: creating functions, getting
// them, and listing them all.
func benchControl(h *peer, dir string, functions int, d time.Duration) error {
	file := filepath.Join(dir, "empty")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o600); err != nil {
		return err
	}
	code, err := archive(map[string]string{"bootstrap": file})
	if err != nil {
		return err
	}
	fmt.Printf("\n%-26s %8s %10s\n", "control plane", "clients", "calls/s")
	print := func(what string, clients, calls int, took time.Duration) {
		fmt.Printf("%-26s %8d %10.0f\n", what, clients, float64(calls)/took.Seconds())
	}
	begin := time.Now()
	err = each(functions, func(i int) error {
		return h.call(http.MethodPost, "/2015-03-31/functions", map[string]any{
			"FunctionName": fmt.Sprintf("control-%d", i), "Runtime": "provided.al2023", "Handler": "x",
			"Role": "arn:aws:iam::000000000000:role/bench", "Code": map[string]string{"ZipFile": code},
		}, nil)
	})
	if err != nil {
		return err
	}
	print(fmt.Sprintf("create, %d functions", functions), controlClients, functions, time.Since(begin))

	var calls atomic.Int64
	begin = time.Now()
	err = each(controlClients, func(client int) error {
		for i := client; time.Since(begin) < d; i += controlClients {
			if err := h.call(http.MethodGet, fmt.Sprintf("/2015-03-31/functions/control-%d", i%functions), nil, nil); err != nil {
				return err
			}
			calls.Add(1)
		}
		return nil
	})
	if err != nil {
		return err
	}
	print("get", controlClients, int(calls.Load()), time.Since(begin))

	begin = time.Now()
	pages, seen, err := h.listAll(d)
	if err != nil {
		return err
	}
	if seen < functions {
		return fmt.Errorf("the list has %d functions of %d", seen, functions)
	}
	print(fmt.Sprintf("list, 50 of %d a page", seen), 1, pages, time.Since(begin))
	return nil
}

// listAll lists every function, page by page, again and again for d. It returns
// how many pages it got, and how many functions there are.
func (p *peer) listAll(d time.Duration) (pages, functions int, err error) {
	marker := ""
	for begin, round := time.Now(), 0; time.Since(begin) < d || round == 0; {
		var page struct {
			Functions  []struct{ FunctionName string }
			NextMarker string
		}
		if err := p.call(http.MethodGet, "/2015-03-31/functions?MaxItems=50&Marker="+url.QueryEscape(marker), nil, &page); err != nil {
			return 0, 0, err
		}
		pages++
		if round == 0 {
			functions += len(page.Functions)
		}
		if marker = page.NextMarker; marker == "" {
			round++
		}
	}
	return pages, functions, nil
}

// each calls f for 0 to n-1, controlClients at a time.
func each(n int, f func(i int) error) error {
	var next atomic.Int64
	errs := make([]error, controlClients)
	var wg sync.WaitGroup
	for client := range controlClients {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && errs[client] == nil; i = int(next.Add(1)) - 1 {
				errs[client] = f(i)
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}
