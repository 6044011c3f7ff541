# Everything a newcomer needs, on a machine with Rust, Node and nothing else:
#   make run     make test
# What is missing is installed by the targets below, which say so.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# PROFILE=release make run
PROFILE ?= dev
PROFILE_FLAG := --profile $(PROFILE)
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))
# Further arguments of the command that a target starts: make run ARGS="--data-dir /tmp/x"
ARGS ?=

WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' -not -path '*/dist/*' \
	\( -name '*.ts' -o -name '*.tsx' -o -name '*.css' -o -name '*.html' -o -name '*.svg' -o -name '*.json' \))
WEB_PACKAGES := web/node_modules/.package-lock.json
# Beside the packages, not in web/dist: what lies there is served.
WEB_BUILT := web/node_modules/.spoor-built

.PHONY: help run test web fmt lint release demo bench screenshots check-tools FORCE

help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: check-tools web ## Build the UI and the server, serve on the defaults (PROFILE=release for speed, ARGS="…" for flags)
	cargo build $(PROFILE_FLAG) --locked -p spoor-server --bin spoor
	exec $(TARGET_DIR)/spoor serve $(ARGS)

test: check-tools ## Install what the tests need and run all of them
	./tests/setup.sh
	$(MAKE) --no-print-directory web
	./tests/run.sh

web: $(WEB_BUILT) ## Build the UI into web/dist

$(WEB_BUILT): $(WEB_PACKAGES) $(WEB_SOURCES) $(if $(wildcard web/dist/assets),,FORCE)
	cd web && npm run build
	@touch $@

$(WEB_PACKAGES): web/package-lock.json
	@echo "web: installing the npm packages of web/package-lock.json"
	cd web && npm ci --no-audit --no-fund
	@touch $@

fmt: ## Format the Rust code
	cargo fmt --all

lint: check-tools $(WEB_PACKAGES) ## Format check, clippy, crate graph, TypeScript
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	python3 .ci/check_dependencies.py
	python3 .ci/check_docs.py
	cd web && npm run lint

release: check-tools web ## Build the optimised binary
	cargo build --release --locked -p spoor-server --bin spoor
	@ls -lh $(or $(CARGO_TARGET_DIR),target)/release/spoor

demo: check-tools ## Send a realistic shop's traces and logs to a running Spoor
	cargo run $(PROFILE_FLAG) --locked -p spoor-server --bin spoor -- demo $(ARGS)

bench: check-tools ## Measure the release build (bench/README.md; ARGS="traces logs --scale 0.1")
	./bench/run.sh $(ARGS)

screenshots: $(WEB_PACKAGES) ## Pictures of every view of a running Spoor into web/screenshots (ARGS="--url http://… --only logs")
	cd web && npm run screenshots -- $(ARGS)

check-tools:
	@command -v cargo >/dev/null || { echo "cargo is missing: install Rust from https://rustup.rs"; exit 1; }
	@command -v npm >/dev/null || { echo "npm is missing: install Node.js 20.19 or later from https://nodejs.org"; exit 1; }
	@command -v cc >/dev/null || { echo "a C compiler is missing: for instance apt-get install build-essential"; exit 1; }
