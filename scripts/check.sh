#!/usr/bin/env bash
# Format, lint and strict types. Import ranks and wheel contents are tests (test_ranks, test_packaging).
# Usage: bash scripts/check.sh
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/ruff format --check .
.venv/bin/ruff check .
.venv/bin/mypy
