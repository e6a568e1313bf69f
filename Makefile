# FlowTrux Edge. `make` alone lists the targets. Only Go is needed, and for the tests what the target setup installs.

CADDY    := v2.11.9
TOOL     := go tool -modfile=tools/go.mod
RELEASE  := go tool -modfile=tools/release/go.mod
FUZZTIME ?= 60s

# Build as xcaddy does: without cgo, which only the race detector needs. The flags are xcaddy's except -trimpath, so that
# nothing that linters and tests have compiled is compiled again.
export CGO_ENABLED := 0
export XCADDY_GO_BUILD_FLAGS := -ldflags='-w -s' -tags nobadger,nomysql,nopgx,nopgxregisterdefaulttypes

SOURCES  := $(shell find . \( -name node_modules -o -path ./bench -o -path ./internal/consoletest \) -prune -o -name '*.go' -not -name '*_test.go' -print) go.mod go.sum \
	$(wildcard nodes/dist/*.wasm) $(wildcard caddymodule/console/dist/* caddymodule/console/dist/*/*)

.DEFAULT_GOAL := help
.PHONY: help run build test quick fresh attacks fleet fleet-test test-kill test-powercut setup nodes console console-test screenshots notices examples lint \
	unit smoke vulncheck fuzz bench release-check clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: bin/caddy ## build, start on :8080 with the examples, send a webhook in each mode, and keep serving
	@go build -o bin/demo ./internal/demo
	@exec bin/demo -caddy $< -config Caddyfile.example

build: bin/caddy ## build bin/caddy with xcaddy: Caddy and this module
	@bin/caddy list-modules | grep flowtrux

# The version after the @ is only a name: the source is this directory, but without a version xcaddy looks the module up.
bin/caddy: $(SOURCES)
	$(TOOL) xcaddy build $(CADDY) --with github.com/flowtrux/edge@v0.1.0=. --output $@

test: setup lint nodes-check console-check smoke unit ## run everything that must pass: linters, a real build, tests with -race
	@echo "all checks passed"

# The end of a shell line that has collected the missing packages in its arguments.
INSTALL = [ $$\# = 0 ] || { \
		echo "$@ needs these Debian packages: $$*"; \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$$@"; \
		else \
			echo "Install them, for example with: sudo apt-get install $$*"; exit 1; \
		fi; }

# Tests and benchmarks compile guests in C. A clang needs the linker of its version.
CLANG = { command -v clang-19 && command -v wasm-ld-19; } >/dev/null || \
	{ command -v clang && command -v wasm-ld; } >/dev/null || set -- "$$@" clang lld

# The version that the built-in nodes are compiled with, so that they are the same from every machine. Its sanitizers are a package of their own.
CLANG19 = command -v clang-19 >/dev/null || set -- "$$@" clang-19; \
	command -v wasm-ld-19 >/dev/null || set -- "$$@" lld-19; \
	ls $$(clang-19 -print-resource-dir 2>/dev/null)/lib/*/libclang_rt.asan* >/dev/null 2>&1 || set -- "$$@" libclang-rt-19-dev

# The tests need only the programs of PostgreSQL: Debian makes no server of its own, and starts none. What an administrator has set stays.
NO_CLUSTER = conf=/etc/postgresql-common/createcluster.conf; \
	[ "$$(id -u)" != 0 ] || [ -e $$conf ] || { mkdir -p $${conf%/*} && echo "create_main_cluster = false" >$$conf; }

setup:
	@set --; \
	command -v etcd >/dev/null || set -- etcd-server; \
	command -v promtool >/dev/null || set -- "$$@" prometheus; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || set -- "$$@" postgresql; \
	command -v pgbouncer >/dev/null || test -x /usr/sbin/pgbouncer || set -- "$$@" pgbouncer; \
	command -v cc >/dev/null || set -- "$$@" gcc libc6-dev; \
	for tool in curl openssl npm chromium; do command -v $$tool >/dev/null || set -- "$$@" $$tool; done; \
	command -v node >/dev/null || set -- "$$@" nodejs; \
	$(CLANG19); \
	case " $$* " in *" postgresql "*) $(NO_CLUSTER);; esac; \
	$(INSTALL)

.PHONY: bench-setup
bench-setup:
	@set --; \
	command -v wrk >/dev/null || set -- wrk; \
	$(CLANG); \
	$(INSTALL)

# Reports whether the first Rust in the PATH can compile to WebAssembly. Debian's can, with a package.
RUST_WASM = dir=$$(rustc --print target-libdir --target wasm32-unknown-unknown 2>/dev/null) && [ -d "$$dir" ]

# Nodes in each language that use the parts of its SDK that the example does not: one reads every kind of JSON value, one uses globals, one has several node types.
MORE_NODES := $(addprefix nodes/sdk/languages/testdata/,reader counter family)

examples: bin/caddy ## create a node in each language with the commands that authors type, and test it; compare signatures with npm libraries
	@export PATH="$$PWD/bin:$$PATH"; set --; \
	$(RUST_WASM) || PATH="/usr/bin:$$PATH"; \
	$(RUST_WASM) || set -- rustc cargo libstd-rust-dev-wasm32; \
	command -v npm >/dev/null || set -- "$$@" nodejs npm; \
	$(CLANG); \
	$(INSTALL); \
	rm -rf .run/examples; mkdir -p .run/examples; \
	for language in go c rust assemblyscript; do \
		sdk=; [ $$language != go ] || sdk="--sdk ."; \
		caddy flowtrux node new $$sdk $$language .run/examples/$$language >.run/examples/said && \
		sed -n 's/^  //p' .run/examples/said | XDG_DATA_HOME="$$PWD/.run/data" sh -eux && \
		sed -n 's/^  //p' .run/examples/said >.run/examples/$$language.sh || exit 1; \
	done; \
	for node in $(MORE_NODES); do for source in c:node.c rust:src/lib.rs assemblyscript:assembly/index.ts; do \
		language=$${source%:*}; file=$${source#*:}; \
		sed 's|"../c/|"|' "$$node.$${file##*.}" >.run/examples/$$language/$$file && \
		sed "\$$s|\$$| --cases $$PWD/$$node.json|" .run/examples/$$language.sh | XDG_DATA_HOME="$$PWD/.run/data" sh -eux || exit 1; \
	done; done
	go run ./internal/reference

nodes: ## compile the built-in nodes in C to nodes/dist; needs clang-19 and lld-19
	go run ./nodes/build.go

.PHONY: nodes-check
nodes-check:
	go run ./nodes/builtin/regex/tables.go -check
	go run ./nodes/build.go -check
	go run ./nodes/code/build.go -check

# The console's page. Only who changes it needs npm: what is built is committed.
WEB := caddymodule/console/web

console: $(WEB)/node_modules ## check the console's TypeScript, and build its page to caddymodule/console/dist
	cd $(WEB) && npm run --silent check
	go run ./caddymodule/console/build.go

.PHONY: console-check
console-check: $(WEB)/node_modules
	cd $(WEB) && npm run --silent check
	go run ./caddymodule/console/unit.go
	go run ./caddymodule/console/build.go -check

console-test: $(WEB)/node_modules ## measure the console in Chromium, and compare with the bounds; some minutes
	go -C internal/consoletest run ./figures

FONTS := /usr/share/fonts

screenshots: ## take the pictures in docs/console from a server with the examples
	@set --; \
	[ -d $(FONTS)/opentype/inter ] || set -- fonts-inter; \
	[ -d $(FONTS)/truetype/jetbrains-mono ] || set -- "$$@" fonts-jetbrains-mono; \
	command -v chromium >/dev/null || set -- "$$@" chromium; \
	$(INSTALL)
	go -C internal/consoletest run ./screenshots

$(WEB)/node_modules: $(WEB)/package-lock.json
	cd $(WEB) && npm ci --no-audit --no-fund
	@touch $@

# Packages whose tests start servers, which takes most of the time.
SERVERS := /(bench/native|caddymodule|internal|runtime/journal/postgres|runtime/store)(/|$$)

quick: format ## a check within 90 s, while you work: gofmt, vet, and the tests that start no server, without -race
	go vet ./...
	@go build -o bin/tally ./internal/tally
	@bin/tally $$(go list ./... | grep -Ev '$(SERVERS)')
	@cd bench && go vet ./... && ../bin/tally $$(go list ./... | grep -Ev '$(SERVERS)')

.PHONY: format
format:
	@out=$$(gofmt -l $$(find . -name '*.go' -not -path './.*' -not -path '*/node_modules/*')); [ -z "$$out" ] || { echo "gofmt would change:"; echo "$$out"; exit 1; }

lint: format ## run gofmt, vet (also for other systems) and golangci-lint; check NOTICE and the CI workflows
	go vet ./...
	GOOS=wasip1 GOARCH=wasm go vet ./nodes/sdk/...
	GOOS=windows GOARCH=arm64 go vet ./runtime/... ./internal/attacks ./internal/crash ./internal/fresh ./internal/powercut
	GOOS=darwin GOARCH=arm64 go vet ./runtime/sandbox/... ./runtime/journal/...
	GOARCH=arm64 go vet ./runtime/sandbox/... ./runtime/journal/...
	go vet -tags flowtrux_no_console ./caddymodule/...
	$(TOOL) golangci-lint run ./...
	cd bench && go vet ./... && go tool -modfile=../tools/go.mod golangci-lint run ./...
	cd internal/consoletest && go vet ./... && go tool -modfile=../../tools/go.mod golangci-lint run ./...
	go run ./internal/notices -check
	go tool -modfile=tools/actions/go.mod actionlint -shellcheck= -pyflakes=

vulncheck: ## look for known vulnerabilities in the used parts of the dependencies; needs the network
	$(TOOL) govulncheck ./...

unit: $(WEB)/node_modules
	@go build -o bin/tally ./internal/tally
	CGO_ENABLED=1 bin/tally -modules .,bench,internal/consoletest -race -timeout 20m ./...

smoke: build
	@bin/caddy flowtrux validate examples/workflows

fresh: ## as root: create a minimal Debian in a directory and follow README.md and the quickstarts in a clone there; half an hour
	@set --; command -v debootstrap >/dev/null || set -- debootstrap; command -v git >/dev/null || set -- "$$@" git; $(INSTALL)
	go run ./internal/fresh

attacks: bin/caddy ## try to take the server away from its other users, in each role, and compare the effect on them with the bounds; ten minutes
	go run ./internal/attacks -caddy $<

# The packages of the servers that are not built here.
FLEET = command -v etcd >/dev/null || set -- "$$@" etcd-server; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || set -- "$$@" postgresql

fleet: bin/caddy ## run three edges, etcd, PostgreSQL with a standby and a balancer here, send webhooks, and kill one part after the other; a minute
	@set --; $(FLEET); $(INSTALL)
	@go build -o bin/fleet ./internal/fleet
	@bin/fleet -caddy $<

# Another build of the same source.
bin/caddy-next: $(SOURCES)
	go build $(XCADDY_GO_BUILD_FLAGS) -o $@ ./xcaddy

# For example FLEET_TEST=-quick, or FLEET_TEST="-only kill,lists". With -before <caddy>, a build without tracing is compared as well.
FLEET_TEST ?=

fleet-test: bin/caddy bin/caddy-next ## measure what several machines promise while parts of them die, and what that costs, and compare with the bounds; 40 minutes
	@set --; $(FLEET); command -v promtool >/dev/null || set -- "$$@" prometheus; $(INSTALL)
	@go build -o bin/fleet ./internal/fleet
	@bin/fleet -caddy bin/caddy -next bin/caddy-next -figures $(FLEET_TEST)

test-kill: ## kill a server 20 times while it accepts 50,000 executions, and reload one 300 times; about three minutes
	go test -count 1 -v -timeout 30m -run '^(TestKilledUnderLoad|TestReloadsDuringLoad)$$' ./internal/integration \
		-kill.rounds 20 -kill.accept 50000 -reloads 300

test-powercut: bin/caddy ## as root: cut the power of a loaded server and fill its disk, on a loop device
	@go build -o bin/powercut ./internal/powercut
	bin/powercut -caddy $<

# Without a limit, making one new input shorter takes the whole minute, in which nothing is tried.
fuzz: ## fuzz each target for FUZZTIME (60s)
	@go list ./... | while read -r pkg; do \
		for target in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
			echo "$$pkg $$target"; \
			go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1s $$pkg || exit 1; \
		done; \
	done

bench: bench-setup ## compare with alternatives side by side; writes bench/RESULTS.md
	go -C bench run .

notices: ## update NOTICE: the dependencies linked into the binary, with their licenses
	go run ./internal/notices

# Builds the systems one after the other: each takes one or two minutes and as many GB of memory.
release-check: ## check .goreleaser.yaml and build the binaries of a release for six systems in dist; several minutes
	$(RELEASE) goreleaser check
	$(RELEASE) goreleaser build --snapshot --clean --parallelism 1

clean: ## remove build results and the demo's state
	rm -rf bin dist .run $(WEB)/node_modules
