# Short commands that also work without make. `make help` lists them.
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
CONCURRENT := ./system/app/... ./system/link/... ./system/journal/... ./emulators/line/... ./emulators/reader/... ./emulators/panel ./emulators/world ./features ./cmd/...

.PHONY: help check test race fuzz bench cover demo pty pcsc

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

check: ## vet, formatting and the linter
	test -z "$$(gofmt -l .)"
	go vet ./...
	go run $(GOLANGCI) run ./...

test: ## everything that needs only Go
	go test ./...

race: ## the race detector on what is concurrent (needs gcc)
	go test -race $(CONCURRENT)

fuzz: ## each fuzz target for ten seconds
	@for p in $$(grep -rl --include=*_test.go '^func Fuzz' system emulators | xargs -n1 dirname | sort -u); do \
	  for f in $$(grep -hoE '^func Fuzz[A-Za-z0-9_]+' $$p/*_test.go | cut -c6-); do \
	    echo "== $$p $$f"; go test ./$$p -run '^$$' -fuzz "^$$f$$" -fuzztime 10s || exit 1; done; done

bench: ## all benchmarks, printed
	go test -run '^$$' -bench . ./...

cover: ## statement coverage of system
	mkdir -p out && go test -coverpkg=./system/... -coverprofile=out/cover.out ./... && go tool cover -func=out/cover.out | tail -1

demo: ## the town in a browser
	go run ./cmd/greylab demo

pty: ## the features over real pseudo-terminals
	go run ./cmd/greylab run --lines pty

pcsc: ## the readers against a PC/SC service of their own (root; installs Debian packages)
	.ci/pcsc
