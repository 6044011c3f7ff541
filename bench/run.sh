#!/usr/bin/env bash
# Measures the release build on this machine: starts it on an empty data directory, sends spans and
# log records, restarts it so that all is in files, asks, and writes one JSON file a step.
#   RECORDS=1000000 CONNECTIONS=8 BATCH=500 OUT=target/bench ./bench/run.sh
set -euo pipefail
cd "$(dirname "$0")/.."

RECORDS=${RECORDS:-1000000}
CONNECTIONS=${CONNECTIONS:-8}
BATCH=${BATCH:-500}
OUT=${OUT:-target/bench}
TARGET=${CARGO_TARGET_DIR:-target}

if [ ! -f web/dist/index.html ]; then make web; fi
cargo build --release --locked -p spoor-server --bin spoor
cargo build --release --locked -p spoor-bench
spoor=$TARGET/release/spoor
bench=$TARGET/release/spoor-bench
mkdir -p "$OUT"
data=$(mktemp -d)
pid=

stop() {
    if [ -n "$pid" ]; then
        kill -TERM "$pid" 2>/dev/null || true
        wait "$pid" || true
        pid=
    fi
}
trap 'stop; rm -rf "$data"' EXIT

start() {
    "$spoor" serve --data-dir "$data" --otlp-grpc-addr 127.0.0.1:0 --otlp-http-addr 127.0.0.1:0 \
        --http-addr 127.0.0.1:0 2>>"$OUT/server.log" >>"$OUT/server.log" &
    pid=$!
    for _ in $(seq 600); do
        if [ -f "$data/spoor.json" ]; then
            otlp=$(address otlp_http_addr)
            http=$(address http_addr)
            return
        fi
        kill -0 "$pid" 2>/dev/null || { tail -20 "$OUT/server.log"; exit 1; }
        sleep 0.1
    done
    echo "the server was not ready within a minute: $OUT/server.log" >&2
    exit 1
}

address() {
    sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p" "$data/spoor.json"
}

: >"$OUT/server.log"
start
for signal in traces logs; do
    echo "ingest-$signal: $RECORDS records, $BATCH a request, $CONNECTIONS connections" >&2
    "$bench" "ingest-$signal" --address "$otlp" --records "$RECORDS" --batch "$BATCH" \
        --connections "$CONNECTIONS" --pid "$pid" | tee "$OUT/ingest-$signal.json"
done
stop
"$bench" disk --data-dir "$data" --spans "$RECORDS" --logs "$RECORDS" | tee "$OUT/disk.json"
start
"$bench" queries --address "$http" --spans "$RECORDS" --logs "$RECORDS" | tee "$OUT/queries.json"
stop
echo "results are in $OUT" >&2
