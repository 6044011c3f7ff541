#!/usr/bin/env bash
# A PostgreSQL of the tests' own, on loopback and a free port. It forgets everything and syncs nothing.
#
#   tests/postgres.sh start            prints its URL, its folder and where its programs are
#   tests/postgres.sh restart FOLDER   as a crash of the server and a start after it
#   tests/postgres.sh stop FOLDER
set -euo pipefail

programs() {
    local found
    found=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
    if [ -n "$found" ]; then
        echo "$found"
    else
        dirname "$(command -v pg_ctl)"
    fi
}

bin=$(programs)

# The server refuses to run as root.
as_owner() {
    if [ "$(id -u)" = 0 ]; then
        runuser -u postgres -- "$@"
    else
        "$@"
    fi
}

serve() {
    local folder=$1 port
    port=$(cat "$folder/port")
    as_owner "$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w \
        -o "-c listen_addresses=127.0.0.1 -p $port -k $folder -c fsync=off" start >/dev/null
}

case ${1:-} in
start)
    folder=$(mktemp -d)
    [ "$(id -u)" != 0 ] || chown postgres "$folder"
    as_owner "$bin/initdb" -D "$folder/data" -A trust -U postgres >/dev/null
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' >"$folder/port"
    serve "$folder"
    echo "postgres://postgres@127.0.0.1:$(cat "$folder/port")/postgres $folder $bin"
    ;;
restart)
    as_owner "$bin/pg_ctl" -D "$2/data" -m immediate stop >/dev/null
    serve "$2"
    ;;
stop)
    as_owner "$bin/pg_ctl" -D "$2/data" -m immediate stop >/dev/null || true
    rm -rf "$2"
    ;;
*)
    sed -n '2,7p' "$0" >&2
    exit 2
    ;;
esac
