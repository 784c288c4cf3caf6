#!/usr/bin/env bash
# The vLLM back-end's tests and its throughput bench on a GPU node, in a Python that has vllm there.
# Not run on a GPU by its authors: they had a CPU, where scripts/test_vllm_cpu.sh does the same.
#
# Usage: bash scripts/gpu/vllm_contract.sh MODEL [options of pytest]
#   MODEL    a hub id such as Qwen/Qwen2.5-0.5B-Instruct, or a local folder
#   PYTHON   the Python to use, with vllm and archsearch in it (default: python3)
#   ENTRY    other fields of the model's entry, as JSON. Two engines are open at once for a moment,
#            so each gets 0.4 of the memory by default.
set -euo pipefail
cd "$(dirname "$0")/../.."
if [ $# -lt 1 ]; then
    echo "a model must be named; received nothing; give a hub id or a local folder" >&2
    exit 2
fi
PYTHON=${PYTHON:-python3}
DEFAULT='{"dtype": "bfloat16", "context": 2048, "concurrency": 64, "memory": 0.4}'
export ARCHSEARCH_VLLM_MODEL=$1
export ARCHSEARCH_VLLM_ENTRY=${ENTRY:-$DEFAULT}
shift

"$PYTHON" -c 'import vllm, pytest, hypothesis, reasoning_gym, archsearch' # or says what is missing

# In bfloat16 a text may change with those decoded beside it: three tests of sameness may then fail,
# and say so. `"dtype": "float32"` in ENTRY tells that apart from a fault of ours.
"$PYTHON" -m pytest tests/models/test_vllm.py tests/models/test_chat.py tests/models/test_lives.py \
    tests/models/test_residency.py \
    -W ignore::ResourceWarning -W ignore::pytest.PytestUnraisableExceptionWarning "$@"

"$PYTHON" scripts/bench/engine.py --model vllm --json
