#!/usr/bin/env bash
# Sets up .venv and runs the tests, in as many processes as there are cores. `-m slow` runs the slow ones.
# Usage: bash scripts/test.sh [options of pytest]
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh
install -e '.[dev]'
install_test_model
# A file of tests stays in one process, so that what its tests share is made once.
exec .venv/bin/python -m pytest --numprocesses auto --dist loadfile -m "not slow" "$@"
