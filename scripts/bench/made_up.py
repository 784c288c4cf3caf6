"""Two landscapes that are made up.

Their spaces have choices that exist in some alternatives only; a score on a question is 1 with the
probability that the architecture truly scores, so a mean has binomial noise; costs come from real
shapes, of which the largest is about 150 times the smallest, and the dearest architecture takes
more than 1000 times what the cheapest does. `ladder` rewards what one would guess (larger models,
more samples), until the cap. In `valley` the best needs several choices at once that are each worse
alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from landscapes import Landscape, Use, World, flops_of, remembering
from table import name_of

from archsearch.architecture import Architecture
from archsearch.cost import Tariff
from archsearch.layer import PlannedCall
from archsearch.registry import validate
from archsearch.search.config import StudyConfig
from archsearch.seeds import seed_of
from archsearch.types import Measured

SHAPES: Mapping[str, dict[str, int]] = {
    "small": {
        "layers": 24, "hidden": 896, "heads": 14, "kv_heads": 2, "head_dim": 64,
        "vocab": 151_936, "active_parameters": 358_000_000,
    },
    "medium": {
        "layers": 36, "hidden": 4096, "heads": 32, "kv_heads": 8, "head_dim": 128,
        "vocab": 151_936, "active_parameters": 6_950_000_000,
    },
    "large": {
        "layers": 80, "hidden": 8192, "heads": 64, "kv_heads": 8, "head_dim": 128,
        "vocab": 152_064, "active_parameters": 70_200_000_000,
    },
}  # fmt: skip
"""Of models with about 0.5, 8 and 72 billion parameters."""
QUESTION, REPLY = 120, 220
"""Tokens of a question and of a reply."""

_MODELS = list(SHAPES)


def _space(samples: Sequence[int], temperatures: Sequence[float]) -> dict[str, Any]:
    def model(name: str) -> dict[str, Any]:
        return {"choose": _MODELS, "name": name}

    styles = {"choose": ["plain", "direct", "step_by_step"], "name": "style"}
    base = {"type": "generator", "model": model("generator"), "style": styles}
    return {
        "name": "made-up",
        "layers": [
            {
                "name": "shape",
                "choose": {
                    "one": [
                        {**base, "temperature": {"choose": [0.0, *temperatures], "name": "t1"}}
                    ],
                    "several": [
                        {
                            **base,
                            "temperature": {"choose": list(temperatures), "name": "t"},
                            "samples": {"choose": list(samples), "name": "samples"},
                        },
                        {
                            "name": "join",
                            "choose": {
                                "vote": [{"type": "vote"}],
                                "rank": [{"type": "ranker", "model": model("ranker")}],
                                "fuse": [{"type": "fuser", "model": model("fuser")}],
                                "criticise": [
                                    {"type": "critic", "model": model("critic")},
                                    {"type": "fuser", "critiques": True, "model": model("editor")},
                                ],
                                "verify": [
                                    {"type": "verifier", "model": model("verifier")},
                                    {"type": "vote"},
                                ],
                            },
                        },
                    ],
                },
            }
        ],
    }


def _study(name: str, space: dict[str, Any], cap: float, trials: int) -> StudyConfig:
    script = {"backend": "scripted", "replies": [{"match": "", "texts": ["?"]}], "context": 100_000}
    data = {
        "name": name,
        "space": space,
        "models": {model: {**script, "shape": shape} for model, shape in SHAPES.items()},
        "benchmark": {"name": "reasoning_gym", "family": "products"},
        "splits": {"search": 100, "select": 0, "test": 1},
        "budget": {"per_question": {"flops": cap}},
        "search": {"trials": trials},
        "baselines": {"styles": ["plain"]},
    }
    return remembering(validate(StudyConfig, data, where=name))


@dataclass(frozen=True, kw_only=True)
class MadeUp:
    """A landscape of a formula."""

    config: StudyConfig
    formula: Any
    """(first generator, the layers behind it) -> true score in (0, 1)."""
    _truths: dict[str, float] = field(default_factory=dict)
    _plans: dict[str, tuple[Use, ...]] = field(default_factory=dict)

    def world(self, seed: int) -> World:
        """Binomial noise of its own for each architecture and question."""
        return _Noisy(self, seed)

    def truth(self, architecture: Architecture) -> float:
        """Of the formula."""
        if architecture.digest not in self._truths:
            (first,), *rest = architecture.rows
            value = self.formula(first, [layer for (layer,) in rest])
            self._truths[architecture.digest] = min(0.97, max(0.02, value))
        return self._truths[architecture.digest]

    def flops(self, architecture: Architecture) -> float:
        """The same on every question."""
        return flops_of(self.uses(architecture))

    def uses(self, architecture: Architecture) -> tuple[Use, ...]:
        """From its plan: what a later layer asks is shared by those with the same layers before."""
        if architecture.digest not in self._plans:
            plan = architecture.plan
            self._plans[architecture.digest] = tuple(
                use for at in range(len(plan)) for use in self._called(plan[: at + 1])
            )
        return self._plans[architecture.digest]

    def _called(self, plan: Sequence[PlannedCall]) -> list[Use]:
        call = plan[-1]
        tariff = self._tariffs[call.model]
        quoted = sum(count for _, count in call.quotes)
        length = QUESTION + round(REPLY * quoted)
        first = call.role.startswith("generator")
        name = (call.model, call.role) if first else tuple(repr(one) for one in plan)
        prompt = (call.model, call.role.rpartition("/")[0]) if first else name
        return [
            Use(
                prompt=(prompt, at),
                prompt_flops=tariff.prompt(Measured, length).flops,
                stream=(name, at),
                sample_flops=[tariff.decoded(length, REPLY)] * call.samples,
            )
            for at in range(call.prompts)
        ]

    @cached_property
    def _tariffs(self) -> dict[str, Tariff]:
        return {name: Tariff(shape=entry.shape) for name, entry in self.config.models.items()}


@dataclass(frozen=True)
class _Noisy:
    landscape: MadeUp
    seed: int
    _scores: dict[str, list[float]] = field(default_factory=dict)

    def score(self, architecture: Architecture, question: int) -> float:
        if architecture.digest not in self._scores:
            rng = np.random.default_rng(seed_of([self.seed, name_of(architecture)]))
            drawn = rng.random(self.landscape.config.splits.search)
            truth = self.landscape.truth(architecture)
            self._scores[architecture.digest] = (drawn < truth).astype(float).tolist()
        return self._scores[architecture.digest][question]

    def uses(self, architecture: Architecture, question: int) -> Sequence[Use]:
        return self.landscape.uses(architecture)

    def kept(self, architecture: Architecture) -> float:
        return self.landscape.truth(architecture)


def _covered(single: float, samples: int, temperature: float) -> float:
    """How often one of the samples is right: more of them help more where they differ more."""
    spread = 0.35 * min(1.0, 0.4 + 0.6 * temperature)
    return 1 - (1 - single) * math.exp(-spread * math.log(samples))


def _by_size(model: str, *values: float) -> float:
    """The value that goes with a model: small, medium, large."""
    return values[_MODELS.index(model)]


def _ladder(first: Any, rest: Sequence[Any]) -> float:
    """Everything that costs more is better, or nearly; joins differ by what they find."""
    single = _by_size(first.model, 0.34, 0.50, 0.62) - 0.03 * (first.temperature - 0.6) ** 2
    single += {"plain": 0.0, "direct": -0.02, "step_by_step": 0.01}[first.style]
    if not rest:
        return float(single)
    gap = _covered(single, first.samples, first.temperature) - single
    share = {
        "vote": lambda: 0.35,
        "ranker": lambda: _by_size(rest[0].model, 0.2, 0.45, 0.6),
        "fuser": lambda: _by_size(rest[0].model, -0.1, 0.4, 0.65),
        "critic": lambda: (
            _by_size(rest[1].model, -0.1, 0.4, 0.65) + _by_size(rest[0].model, -0.05, 0.05, 0.1)
        ),
        "verifier": lambda: 0.35 + _by_size(rest[0].model, 0.0, 0.2, 0.3),
    }[rest[0].type]()
    crowd = 0.04 * math.log2(first.samples) if rest[0].type in ("ranker", "fuser", "critic") else 0
    return float(single + (share - crowd) * gap)


def _valley(first: Any, rest: Sequence[Any]) -> float:
    """The best is a small model, hot, thinking aloud, sampled often, and verified by a larger one;
    hot or thinking aloud alone it is worse, and so is a larger model that is not told to think."""
    hot, aloud = first.temperature >= 1.0, first.style == "step_by_step"
    single = _by_size(first.model, 0.42, 0.43, 0.41) - 0.10 * hot - 0.06 * aloud
    single += 0.08 * (aloud and first.model == "large") + 0.03 * (first.style == "direct")
    if not rest:
        return float(single)
    gap = _covered(single, first.samples, first.temperature) - single
    kind = rest[0].type
    if kind == "verifier":
        judged = _by_size(rest[0].model, -0.1, 0.5, 0.5) * (1.0 if aloud else 0.4)
        return float(single + (0.3 + judged) * gap + 0.12 * (aloud and hot and judged > 0.3))
    if kind == "critic":
        edited = _by_size(rest[1].model, -0.2, 0.3, 0.4)
        return float(single + (edited + 0.1 * (rest[0].model != rest[1].model)) * gap)
    share = {"vote": 0.35, "ranker": 0.3, "fuser": 0.25}[kind]
    return float(single + (share - 0.15 * hot) * gap)


def made_up(trials: int) -> dict[str, Landscape]:
    """The two formulas."""
    ladder = _space([4, 16, 64], [0.4, 0.8, 1.2])
    valley = _space([2, 4, 8, 16, 32], [0.4, 0.8, 1.0, 1.2])
    return {
        "ladder": MadeUp(config=_study("ladder", ladder, 6e14, trials), formula=_ladder),
        "valley": MadeUp(config=_study("valley", valley, 6e14, trials), formula=_valley),
    }
