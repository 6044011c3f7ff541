#!/usr/bin/env bash
# Runs every test there is and says at the end which kinds passed. Call tests/setup.sh first.
#
#   tests/run.sh              everything
#   tests/run.sh rust browser only these kinds (rust python node web browser)
set -uo pipefail
cd "$(dirname "$0")/.."

kinds=("$@")
[ ${#kinds[@]} -gt 0 ] || kinds=(web rust python node browser)
target=$(cargo metadata --format-version 1 --no-deps | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')
export SPOOR_BINARY="$target/debug/spoor"
results=()
failed=0

wanted() { [[ " ${kinds[*]} " == *" $1 "* ]]; }

# $1: kind, rest: command
run() {
    local kind=$1 start=$SECONDS
    shift
    printf '\n== %s: %s\n' "$kind" "$*"
    if "$@"; then
        results+=("ok      $kind ($((SECONDS - start)) s)")
    else
        results+=("FAILED  $kind ($((SECONDS - start)) s)")
        failed=1
    fi
}

# The tests of the catalog want a server; without one they say that they were left out.
postgres_start() {
    local started
    if started=$("tests/postgres.sh" start); then
        read -r SPOOR_TEST_POSTGRES_URL postgres_folder _ <<<"$started"
        export SPOOR_TEST_POSTGRES_URL
        trap 'tests/postgres.sh stop "$postgres_folder"' EXIT
    else
        echo "tests: PostgreSQL does not start: the catalog is tested on SQLite only" >&2
        results+=("LEFT OUT  the catalog on PostgreSQL (tests/setup.sh installs it)")
    fi
}

web_tests() { npm --prefix web run build && npm --prefix web test; }

rust_tests() {
    if cargo nextest --version >/dev/null 2>&1; then
        cargo nextest run --workspace --no-fail-fast && cargo test --workspace --doc --quiet
    else
        cargo test --workspace --no-fail-fast
    fi
}

python_tests() { tests/.venv/bin/pytest -q -p no:cacheprovider tests/python; }

node_tests() { npm --prefix tests/node test; }

browser_tests() { npm --prefix tests/browser test; }

# The UI first: the binary embeds what `npm run build` made.
wanted web && run web web_tests
if wanted python || wanted node || wanted browser; then
    run build cargo build --bin spoor
fi
if wanted rust; then
    postgres_start
    run rust rust_tests
fi
wanted python && run python python_tests
wanted node && run node node_tests
wanted browser && run browser browser_tests

printf '\n== summary\n'
printf '%s\n' "${results[@]}"
if [ $failed -ne 0 ]; then
    echo "tests: FAILED"
    exit 1
fi
echo "tests: all passed"
