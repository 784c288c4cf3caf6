"""Optuna's Gaussian process sees every choice. It needs torch, so these are slow."""

import sys

import pytest

from archsearch.errors import MissingExtra
from archsearch.search.samplers.gp import GP
from archsearch.testing.sampler_contract import SamplerContract


@pytest.mark.slow
class TestGP(SamplerContract):
    trials = 20

    def config(self):
        pytest.importorskip("torch")
        return GP(startup_trials=6)


def test_without_torch_it_says_what_to_install(space, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtra, match=r"gp sampler .*'archsearch\[gp\]'"):
        GP().build(0, space)
