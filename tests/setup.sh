#!/usr/bin/env bash
# Installs what the tests need and is missing, and says so. Safe to run again and again.
#
#   python   tests/.venv with the pinned packages of tests/python/requirements.txt
#   postgres a server for the catalog's tests (by apt-get, when run as root on Debian or Ubuntu)
#   node     packages of tests/node, tests/browser and web, from their lock files
#   chromium the browser test's browser (by apt-get, when run as root on Debian or Ubuntu)
#   nextest  runs the Rust tests in parallel; plain `cargo test` does if it cannot be had
set -euo pipefail
cd "$(dirname "$0")"

say() { printf 'setup: %s\n' "$*"; }

# Runs a command quietly; shows what it said only when it fails.
quietly() {
    local log
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        say "failed: $*" >&2
        return 1
    fi
    rm -f "$log"
}

apt_install() {
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "installing $* by apt-get"
        quietly apt-get update -qq
        DEBIAN_FRONTEND=noninteractive quietly apt-get install -y --no-install-recommends "$@"
    else
        say "missing: $* (not root or no apt-get: please install by hand)" >&2
        return 1
    fi
}

python_packages() {
    command -v python3 >/dev/null || apt_install python3 python3-venv
    local wanted stamp=.venv/.requirements
    wanted=$(cksum <python/requirements.txt)
    if [ -x .venv/bin/pytest ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        say "python packages are there"
        return
    fi
    say "installing python packages into tests/.venv"
    if ! python3 -m venv .venv >/dev/null 2>&1; then
        rm -rf .venv
        apt_install python3-venv
        quietly python3 -m venv .venv
    fi
    quietly .venv/bin/pip install --disable-pip-version-check -r python/requirements.txt
    echo "$wanted" >"$stamp"
}

postgres() {
    if command -v pg_ctl >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/pg_ctl' >/dev/null; then
        say "PostgreSQL is there"
    else
        apt_install postgresql
    fi
}

# $1: folder with a package-lock.json
node_packages() {
    local wanted stamp="$1/node_modules/.lock-checksum"
    [ -f "$1/package-lock.json" ] || return 0
    wanted=$(cksum <"$1/package-lock.json")
    if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        say "node packages of $1 are there"
        return
    fi
    say "installing node packages of $1"
    (cd "$1" && quietly npm ci --no-audit --no-fund)
    echo "$wanted" >"$stamp"
}

browser() {
    if [ -n "${CHROMIUM:-}" ] || command -v chromium >/dev/null || command -v chromium-browser >/dev/null \
        || command -v google-chrome >/dev/null; then
        say "a browser is there"
    else
        apt_install chromium
    fi
}

nextest() {
    if cargo nextest --version >/dev/null 2>&1; then
        say "cargo-nextest is there"
    else
        say "cargo-nextest is missing: the tests will run by cargo test"
    fi
}

command -v cargo >/dev/null || { say "Rust is missing: https://rustup.rs" >&2; exit 1; }
command -v npm >/dev/null || { say "Node.js 20 or newer is missing: https://nodejs.org" >&2; exit 1; }
python_packages
postgres
node_packages node
node_packages browser
node_packages ../web
browser
nextest
