#!/bin/sh
# Makes .venv and installs Comfyhouse into it; does nothing when it is up to date.
# Usage: tools/install.sh run|dev     (dev adds what the checks and tests need)
set -eu

say() { printf '%s\n' "$*" >&2; }
fail() { say "comfyhouse: $*"; exit 1; }

cd "$(dirname "$0")/.."
kind=$1
want="$(cat pyproject.toml constraints.txt sdk/python/pyproject.toml | cksum) $(pwd)"
stamp=.venv/comfyhouse-installed-

is_installed() { [ -f "$stamp$1" ] && [ "$(cat "$stamp$1")" = "$want" ]; }

# A house without the weights works: its presets say what they lack, and the next time tries again.
take_weights() {
    pinned="$(cat tools/weights.txt tools/weights.py | cksum)"
    [ -f "${stamp}weights" ] && [ "$(cat "${stamp}weights")" = "$pinned" ] \
        && [ -f src/comfyhouse_nodes/photo/weights/u2netp.onnx ] && return
    say "Fetching the weights of the photo presets …"
    if .venv/bin/python -m tools.weights; then
        printf '%s' "$pinned" > "${stamp}weights"
    else
        say "comfyhouse: they could not be fetched (see above); faces and products are not found without."
    fi
}

if is_installed dev || { [ "$kind" = run ] && is_installed run; }; then take_weights; exit 0; fi

[ -w . ] || fail "the folder $(pwd) cannot be written to; .venv and var are kept in it."

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for name in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python; do
        if command -v "$name" >/dev/null 2>&1 && is_new_enough "$name"; then
            printf '%s' "$name"
            return
        fi
    done
    fail "Python 3.11 or newer was not found. Install it, or name one: make up PYTHON=/path/to/python3"
}

if ! { [ -x .venv/bin/python ] && is_new_enough .venv/bin/python; }; then
    python=$(find_python)
    "$python" -c 'import venv, ensurepip' 2>/dev/null || fail "$("$python" -V) has no venv module." \
        "On Debian and Ubuntu it is the package python3-venv: apt-get install python3-venv"
    say "Making a virtual environment in .venv with $("$python" -V) …"
    "$python" -m venv --clear .venv || fail "the virtual environment could not be made (see above)."
fi

set -- --editable .
[ "$kind" = run ] || set -- --editable '.[dev]' --editable './sdk/python[cli]'
say "Installing Comfyhouse and what it needs into .venv …"
# --no-compile: Python compiles what it imports at first use, which is a small part of it.
.venv/bin/python -m pip install -qq --disable-pip-version-check --no-input \
    --no-compile --constraint constraints.txt "$@" \
    || fail "the packages could not be installed (see above). Is there a way to the package index?"
printf '%s' "$want" > "$stamp$kind"
take_weights
