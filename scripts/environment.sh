#!/usr/bin/env bash
# Makes a virtual environment with the locked versions and this package in it, editable:
#
#     scripts/environment.sh [FOLDER] [LOCK]          (default .venv constraints/dev.txt)
#
# Needs python3 (3.11 or newer) and pip; uses uv where it is installed. Writes only inside the checkout.
# PYTHON=... chooses the interpreter, WITHOUT_UV=1 leaves uv aside.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=${1:-.venv}
lock=${2:-constraints/dev.txt}
export PIP_CACHE_DIR=${PIP_CACHE_DIR:-$PWD/.cache/pip}
export UV_CACHE_DIR=${UV_CACHE_DIR:-$PWD/.cache/uv}
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore UV_PYTHON_DOWNLOADS=never

find_python() {
  local candidate
  for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  echo "scripts/environment.sh: no Python 3.11 or newer found; set PYTHON=/path/to/python3" >&2
  return 1
}

# uv does not read pip.conf: where packages come from a mirror named there, this fails and pip follows.
with_uv() {
  [ -z "${WITHOUT_UV:-}" ] && command -v uv >/dev/null || return 1
  uv venv --quiet --clear --python "$python" "$folder" &&
    uv pip install --quiet --python "$folder/bin/python" -r "$lock" &&
    uv pip install --quiet --python "$folder/bin/python" --no-deps --no-build-isolation -e .
}

# Some distributions ship the venv module without ensurepip; the pip outside then installs into the environment.
with_pip() {
  local pip
  if "$python" -m venv --clear "$folder" >/dev/null 2>&1; then
    pip=("$folder/bin/python" -m pip)
  else
    "$python" -m venv --clear --without-pip "$folder" &&
      pip=("$python" -m pip --python "$folder/bin/python")
  fi || return 1
  "${pip[@]}" install --quiet -r "$lock" &&
    "${pip[@]}" install --quiet --no-deps --no-build-isolation -e .
}

python=$(find_python)
echo "making $folder with $("$python" --version) ..." >&2
with_uv || with_pip || {
  echo "scripts/environment.sh: could not make $folder; it needs pip and the venv module of $python" >&2
  exit 1
}
touch "$folder/.ready"
