#!/usr/bin/env bash
# Sets up .venv and runs the tests.
# Usage: bash scripts/test.sh [options of pytest]
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh
install -e '.[dev]'
install_test_model
exec .venv/bin/python -m pytest "$@"
