# `make up` and `make test` are all that a newcomer needs; both work on a fresh
# Debian machine with Go and make. What else each target needs, it installs
# itself (scripts/install-test-deps) or says.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LISTEN  ?= 127.0.0.1:4566

# The race detector needs most of the time and all of both cores of a small
# machine: packages run two at a time whatever the machine has.
TESTFLAGS ?= -race -timeout 15m -p 2
PACKAGES  ?= ./...

# GNU make appends to these; the shell needs an absolute path.
TOOLS := $(CURDIR)/.tools

.PHONY: help build up down test soak test-deps check lint cross generate bench clean

help: ## what there is to make
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

build: ## bin/hearth, static
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w -X main.version=$(VERSION)' -o bin/hearth ./cmd/hearth

up: build ## start hearth on LISTEN, deploy the examples, invoke one
	@GO='$(GO)' LISTEN='$(LISTEN)' scripts/up

down: ## stop what `make up` started
	@scripts/down

test-deps: ## install what the tests use
	@scripts/install-test-deps

# testgate is `go test` that also fails when a whole class of tests was skipped.
test: test-deps build ## run every test
	PATH="$(TOOLS)/bin:$$PATH" NODE_PATH="$(TOOLS)/node_modules" CGO_ENABLED=1 \
		$(GO) run ./internal/testgate $(TESTFLAGS) $(PACKAGES)

# How long for each of the two sandboxes.
SOAK ?= 1m

soak: ## random deaths under load; SOAK=1h for longer
	$(GO) test ./test/soak -count=1 -timeout 0 -v -soak.time=$(SOAK)

check: test-deps ## what CI checks besides the tests
	@GO='$(GO)' scripts/check

lint: ## golangci-lint alone
	@GO='$(GO)' scripts/lint

cross: ## compile for every platform that is released
	@GO='$(GO)' scripts/cross

generate: ## regenerate the API from AWS's service model
	@GO='$(GO)' scripts/generate

bench: build ## measure, and print one table
	$(GO) run ./test/bench

clean: down ## remove what was built; the data of `make up` stays in .hearth
	rm -rf bin dist
