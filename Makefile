# tidemark. Two targets matter to a newcomer: demo and test.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  = -s -w -X main.version=$(VERSION)

.PHONY: help demo test unit e2e race fuzz bench bench-published build vet up down install clean

help: ## what can be made
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

demo: ## the main job on embedded parts: archive, kill, verify, restore
	@echo 'building without the clouds'"'"' clients; the first time takes a minute or two'
	$(GO) build -tags nocloud -ldflags '$(LDFLAGS)' -o bin/tidemark-demo ./cmd/tidemark
	./bin/tidemark-demo demo

test: vet unit e2e ## all tests; those on a real Kafka need Java and Maven

build: ## the program, as bin/tidemark
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/tidemark ./cmd/tidemark

vet: ## go vet and gofmt
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo 'run gofmt -w on these'; exit 1; }
	$(GO) vet ./...

unit: ## tests that need nothing but Go
	$(GO) test -timeout 15m $$($(GO) list ./... | grep -vE '/(deploy/local|cmd/internal/e2e)')

e2e: ## tests on Apache Kafka and two S3 servers, started here
	$(GO) test -timeout 40m -count=1 -v ./deploy/local/... ./cmd/internal/e2e/...

race: ## the same tests as unit, under the race detector
	$(GO) test -race -timeout 40m $$($(GO) list ./... | grep -vE '/(deploy/local|cmd/internal/e2e)')

bench: build ## a quick look at speed, on Apache Kafka and two S3 servers, started here
	./bin/tidemark bench $(BENCH)

bench-published: build ## the published figures: hours, and 50 GB of disk
	./bin/tidemark bench --sweep published $(BENCH)

up: ## Apache Kafka and two S3 servers on this machine, for a person
	$(GO) run ./deploy/local/localctl up

down: ## stop what up has started
	$(GO) run ./deploy/local/localctl down

install: ## fetch Apache Kafka and build versitygw into the cache
	$(GO) run ./deploy/local/localctl install

clean: ## remove what was built here
	rm -rf bin .local
