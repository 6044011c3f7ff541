#!/bin/sh
# Good queries to begin with: those of the documents and of the scenario files, one a file.
set -eu
cd "$(dirname "$0")"

# Lines as files of a corpus, named by what is in them.
seeds() {
  mkdir -p "corpus/$1"
  while IFS= read -r line; do
    printf '%s' "$line" > "corpus/$1/$(printf '%s' "$line" | cksum | tr ' ' -)"
  done
}

# The blocks of a document that are in its language.
documented() {
  awk -v start="\`\`\`$1" '$0 == start { inside = 1; next } /^```/ { inside = 0 } inside' "../docs/$1.md"
}

# The questions of scenario files.
questions() {
  sed -n 's/^? //p' "$@"
}

tests=../query/src
documented query-language | sed 's/ [→✗] .*//' | seeds search
questions "$tests/api/tests/scenarios/searches.txt" | sed 's/^[a-z]* //' | seeds search
documented traceql | seeds traceql
questions "$tests"/traceql/tests/*.txt | seeds traceql
documented logql | seeds logql
questions "$tests"/logql/tests/*.txt | seeds logql
questions "$tests/api/tests/scenarios/sql.txt" | seeds sql
