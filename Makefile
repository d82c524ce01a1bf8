# make run    start everything on a fresh machine: rustup, node and a C compiler are enough
# make test   every test, browser journeys included
# make bench  the benchmarks, as ratios
# make lint   formatting, clippy, licences and sources of dependencies
# make audit  known vulnerabilities of dependencies
# make reset  forget the demo's state
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test contracts-test bench bench-attributions bench-log lint audit reset tools build bundle bundle-dev contracts browser clients outsiders model-check

export CARGO_TARGET_DIR ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/wherefore/target
export PORT ?= 3000
BIN := $(CARGO_TARGET_DIR)/debug/wherefore
SITE := $(CARGO_TARGET_DIR)/site
CONTRACTS := governance/contracts
CARGO_WASM ?= cargo
TEST := $(shell cargo nextest --version >/dev/null 2>&1 && echo cargo nextest run --locked --no-fail-fast || echo cargo test --locked --no-fail-fast)
VENV := $(dir $(CARGO_TARGET_DIR))venv
VERIFIER := $(dir $(CARGO_TARGET_DIR))verifier
GO_LIBRARIES := /usr/share/gocode
BENCH_ENTRIES ?= 10000
DIR := $(if $(WHEREFORE_DIR),$(WHEREFORE_DIR),.wherefore)

say = @printf '\033[1m==> %s\033[0m\n' "$(1)"
need = @command -v $(1) >/dev/null || { echo "$(2)"; exit 1; }

help:
	@sed -n 's/^# make/make/p' Makefile

run: build
	@exec $(BIN) demo

# Rules and server against real chains and databases, contracts in Foundry, journeys in a real browser.
test: build browser contracts-test clients outsiders
	$(call say,Testing rules and server)
	@$(TEST) --workspace --exclude e2e
	@cargo test --locked --doc -p governance --quiet
	$(call say,Testing journeys in a real browser)
	@$(TEST) -p e2e
	@echo "Everything passed."

contracts-test: contracts
	$(call say,Testing contracts)
	@cd $(CONTRACTS) && node build.mjs --check && npx --no-install forge test

bench: $(VENV)/.peer bench-attributions bench-log
	$(call say,Benchmarks: each beside a peer or a limit measured in the same run)
	@PEER_MICROSECONDS="$$($(VENV)/bin/python server/agents/cadence-steward/bench.py)" cargo bench --locked -p governance --bench rules

# Attributions beside other libraries; BENCH_FLAGS=--large adds a model of 1000 trees of depth 10, which takes long to train.
bench-attributions: $(VENV)/.peers
	$(call say,Training models and measuring other libraries)
	@$(VENV)/bin/python governance/benches/peers.py $(BENCH_FLAGS) "$(CARGO_TARGET_DIR)/peers"
	$(call say,Attributions: each beside the fastest of them)
	@PEERS="$(CARGO_TARGET_DIR)/peers" cargo bench --locked -p governance --bench attributions

# The log: BENCH_ENTRIES entries (10,000 unless told), in process and over HTTP.
bench-log:
	$(call say,The explanation log: each figure beside a limit measured in the same run)
	@LOG_ENTRIES=$(BENCH_ENTRIES) cargo bench --locked -p server --bench log

lint:
	@cargo fmt --all --check
	@cargo clippy --locked --workspace --all-targets -- -D warnings
	@$(CARGO_WASM) clippy --locked -p app --features hydrate --target wasm32-unknown-unknown -- -D warnings
	@! cargo tree --locked -q -p app --target wasm32-unknown-unknown -e normal --features hydrate --prefix none | cut -d' ' -f1 | sort -u | grep -xE 'tokio|axum|sea-orm|sqlx|alloy-provider|reqwest|hyper' || { echo "The crates above must not be in what the browser loads."; exit 1; }
	@if command -v cargo-deny >/dev/null; then cargo deny --locked check bans licenses sources; else echo "cargo-deny is not installed, so licences and sources were not checked (cargo install cargo-deny)."; fi

# Known vulnerabilities; needs the network, for the advisory database.
audit:
	@cargo deny --locked check advisories

reset:
	@rm -rf "$(DIR)" && echo "The demo starts over with the next 'make run'."

build: tools
	$(call say,Building the bridge (the first time takes a few minutes))
	@cargo build --locked -p server --bin wherefore || { echo "The build failed; the reason is above. Without network, cargo cannot fetch what it lacks."; exit 1; }
	@$(MAKE) --no-print-directory bundle

bundle: tools
	$(call say,Building what the browser loads)
	@$(CARGO_WASM) build --locked -p app --lib --features hydrate --target wasm32-unknown-unknown --profile wasm && cargo build --locked -p bundle
	@"$(CARGO_TARGET_DIR)/debug/bundle" "$(CARGO_TARGET_DIR)/wasm32-unknown-unknown/wasm/app.wasm" "$(SITE)"

# Quicker to build and slower to load: for working on the app.
bundle-dev:
	@cargo build -p app --lib --features hydrate --target wasm32-unknown-unknown && cargo build -p bundle
	@"$(CARGO_TARGET_DIR)/debug/bundle" "$(CARGO_TARGET_DIR)/wasm32-unknown-unknown/debug/app.wasm" "$(SITE)"

tools: contracts
	$(call need,cargo,Rust is missing. Install it from https://rustup.rs and run make again.)
	$(call need,cc,A C compiler is missing. On Debian: apt-get install gcc libc6-dev)
	@[ "$(CARGO_WASM)" != cargo ] || ls "$$(rustc --print target-libdir --target wasm32-unknown-unknown)"/libstd-*.rlib >/dev/null 2>&1 \
	 || { echo "Adding the WASM target to Rust …"; rustup target add wasm32-unknown-unknown; } \
	 || { echo "Rust's WASM target could not be installed. Check the network, or run 'rustup target add wasm32-unknown-unknown' by hand."; exit 1; }

# Anvil and OpenZeppelin, at the versions in the lock file.
contracts: $(CONTRACTS)/node_modules/.package-lock.json

$(CONTRACTS)/node_modules/.package-lock.json: $(CONTRACTS)/package-lock.json
	$(call need,npm,Node.js is missing. Install version 20 or newer from https://nodejs.org and run make again.)
	$(call say,Installing Anvil and OpenZeppelin)
	@cd $(CONTRACTS) && npm ci --no-audit --no-fund --loglevel=error || { echo "Anvil and OpenZeppelin could not be installed; the reason is above. Without network they cannot be fetched."; exit 1; }
	@touch $@

# The browser and the outside clients that the journeys use.
browser: e2e/clients/node_modules/.package-lock.json
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null && command -v chromedriver >/dev/null \
	 || { echo "Installing Chromium and its driver …"; as_root=; [ "$$(id -u)" = 0 ] || as_root=sudo; \
	      $$as_root apt-get -qq -o DPkg::Lock::Timeout=300 update && DEBIAN_FRONTEND=noninteractive $$as_root apt-get -qq -y -o DPkg::Lock::Timeout=300 install chromium chromium-driver >/dev/null; } \
	 || { echo "Chromium and chromedriver are needed for the browser journeys and could not be installed. On Debian: apt-get install chromium chromium-driver"; exit 1; }

e2e/clients/node_modules/.package-lock.json: e2e/clients/package-lock.json
	$(call need,npm,Node.js is missing. Install version 20 or newer from https://nodejs.org and run make again.)
	$(call say,Installing the published clients that the tests run)
	@cd e2e/clients && npm ci --no-audit --no-fund --loglevel=error || { echo "The test clients could not be installed; the reason is above."; exit 1; }
	@touch $@

# What tests use where it is there, and say that they miss where it is not: a verifier of the log that shares no code with
# us, in Go (Debian's packages have the library it stands on), and strace, which strikes a process at each of its writes.
outsiders:
	@command -v strace >/dev/null && command -v go >/dev/null && [ -d $(GO_LIBRARIES)/src/golang.org/x/mod ] \
	 || { echo "Installing Go and strace for the tests of the log …"; as_root=; [ "$$(id -u)" = 0 ] || as_root=sudo; \
	      $$as_root apt-get -qq -o DPkg::Lock::Timeout=300 update && DEBIAN_FRONTEND=noninteractive $$as_root apt-get -qq -y -o DPkg::Lock::Timeout=300 install strace golang-go golang-golang-x-mod-dev >/dev/null; } \
	 || echo "Go and strace could not be installed; the tests that need them are skipped."
	@[ "$(VERIFIER)" -nt e2e/verifier/main.go ] || { cd e2e/verifier && GO111MODULE=off GOPATH=$(GO_LIBRARIES) go build -o "$(VERIFIER)" .; } \
	 || echo "The verifier in Go could not be built; the test that needs it is skipped."

# Clients that others published, and an independent verifier of the log, for the journeys.
clients: browser $(VENV)/.ready

export WHEREFORE_PYTHON := $(VENV)/bin/python

$(VENV)/.ready: e2e/clients/requirements.txt
	$(call need,python3,Python 3 is missing. On Debian: apt-get install python3 python3-venv)
	$(call say,Installing the Python client and the verifier's library)
	@python3 -m venv $(VENV) && $(VENV)/bin/pip install --quiet --disable-pip-version-check -r $< || { echo "The Python client could not be installed; the reason is above. On Debian, python3-venv is needed too."; exit 1; }
	@touch $@

# XGBoost, which trained the steward's model: the benchmark's peer, and what `make model-check` trains with.
$(VENV)/.peer: $(VENV)/.ready server/agents/cadence-steward/requirements.txt
	$(call say,Installing XGBoost)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -r server/agents/cadence-steward/requirements.txt || { echo "XGBoost could not be installed; the reason is above."; exit 1; }
	@touch $@

# Other libraries that attribute, for the benchmark.
$(VENV)/.peers: $(VENV)/.peer governance/benches/requirements.txt
	$(call say,Installing other libraries that attribute)
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -r governance/benches/requirements.txt || { echo "The libraries could not be installed; the reason is above."; exit 1; }
	@touch $@

# Trains the stewards' models again and compares every byte.
model-check: $(VENV)/.peer
	@for agent in cadence-steward ledger-steward; do (cd server/agents/$$agent && $(VENV)/bin/python train.py --check) || exit 1; done
