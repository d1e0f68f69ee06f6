#!/usr/bin/env bash
# Writes constraints/*.txt again from pyproject.toml: names, versions and markers only, for every Python from 3.11 on.
# Needs uv. Run it to take newer versions, then run the tests.
set -euo pipefail
cd "$(dirname "$0")/.."

compile() {
  local output=$1
  shift
  {
    echo "# Made by scripts/lock.sh; do not edit."
    uv pip compile --quiet --universal --python-version 3.11 --upgrade \
      --no-header --no-annotate --no-emit-index-url --no-emit-find-links "$@"
  } >"$output.new"
  mv "$output.new" "$output"
}

compile constraints/core.txt pyproject.toml
compile constraints/dev.txt pyproject.toml --group dev --extra demo
for input in constraints/matrix-*.in constraints/coexistence-*.in; do
  compile "${input%.in}.txt" pyproject.toml "$input"
done
