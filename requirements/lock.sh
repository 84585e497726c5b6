#!/bin/sh
# Write the lock files anew: every package of an installation, on every platform and Python that
# is supported, with the SHA-256 of each of its files. Versions are those of constraints.txt.
# Needs a connection and uv (pip install uv).
set -eu
cd "$(dirname "$0")/.."
lock() {
  out=$1
  shift
  "${UV:-uv}" pip compile pyproject.toml requirements/build.in "$@" --output-file "requirements/$out" \
    --constraints constraints.txt --universal --python-version 3.11 --generate-hashes \
    --no-annotate --no-header --quiet
}
lock serve.lock --extra serve --extra postgresql
lock dev.lock --all-extras
