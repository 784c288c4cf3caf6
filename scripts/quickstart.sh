#!/usr/bin/env bash
# Sets up .venv and searches for the best architecture of a small real model on real questions.
# Needs Python >= 3.11 with pip and venv; no GPU, no compiler, no model hub. Resumes when run again.
# Usage: bash scripts/quickstart.sh [options of `archsearch search`]
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh
install -e '.[quickstart]'
install_test_model
exec .venv/bin/archsearch search quickstart "$@"
