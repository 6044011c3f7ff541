#!/usr/bin/env bash
# Measures the release build on this machine, case by case (bench/cases), and prints a table of the
# figures and of how they changed against bench/results, the last ones committed.
#   ./bench/run.sh                    traces logs mixed small beside
#   ./bench/run.sh growth --scale 0.1 only these cases, with flags of `spoor-bench run`
#   OUT=bench/results ./bench/run.sh  to commit
# The machine should be idle: two cores are shared by server and sender.
set -euo pipefail
cd "$(dirname "$0")/.."

TARGET=${CARGO_TARGET_DIR:-target}
OUT=${OUT:-$TARGET/bench}
cases=()
while [ $# -gt 0 ] && [[ $1 != --* ]]; do
    cases+=("$1")
    shift
done
[ ${#cases[@]} -gt 0 ] || cases=(traces logs mixed small beside)

if [ ! -f web/dist/index.html ]; then make web; fi
cargo build --release --locked -p spoor-server --bin spoor
cargo build --release --locked -p spoor-bench
mkdir -p "$OUT"
ulimit -n "$(ulimit -Hn)"
before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
cp bench/results/*.json "$before" 2>/dev/null || true
results=()
for case in "${cases[@]}"; do
    echo "$case: $(sed -n 's/^about = "\(.*\)"$/\1/p' "bench/cases/$case.toml")" >&2
    "$TARGET/release/spoor-bench" run "bench/cases/$case.toml" --spoor "$TARGET/release/spoor" "$@" >"$OUT/$case.json.new"
    mv "$OUT/$case.json.new" "$OUT/$case.json"
    results+=("$OUT/$case.json")
done
"$TARGET/release/spoor-bench" table "${results[@]}" --against "$before"
