"""What the models of a configuration are called here."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from archsearch.archon.component import Component
from archsearch.archon.remark import Remark, shown
from archsearch.errors import ConfigError, suggest

PAIR_RM = "llm-blender/PairRM"
PROVIDERS = {
    "Together_API",
    "OpenAI_API",
    "Anthropic_API",
    "Groq_API",
    "Google_API",
    "Bedrock_API",
    "tgi",
    "vLLM",
}
"""What `model_type` can be unless a program adds its own."""


def names_of(
    parts: Sequence[Component], models: Mapping[str, str], remarks: list[Remark]
) -> dict[str, str]:
    """Archon's model names -> ours; a remark for each that is derived."""
    first: dict[str, Component] = {}
    for part in parts:
        first.setdefault(part.model, part)
        _check_provider(part, models)
    derived = _derived([name for name in first if name not in models])
    for name, ours in derived.items():
        if ours not in models.values():
            place = f"{first[name].place}.model"
            done = f"called {ours!r} here; declare it under `models` of the study"
            remarks.append(Remark("translated", place, shown(name), done))
    return {**models, **derived}


def _check_provider(part: Component, models: Mapping[str, str]) -> None:
    provider = part.settings.get("model_type")
    if provider is None or str(provider) in PROVIDERS or part.model in (*models, PAIR_RM):
        return
    raise ConfigError(
        f"{part.place}.model_type must be a provider that comes with Archon; received "
        f"{provider!r}{suggest(str(provider), PROVIDERS)}; a function of your own has no place in "
        f"a file: declare its model in the study, and name it in --models as "
        f"`{part.model}: NAME`"
    )


def _derived(names: Sequence[str]) -> dict[str, str]:
    """A name of ours for each: its last part, or all of it where two would be called the same.

    >>> _derived(["Qwen/Qwen2-72B-Instruct", "a/small", "b/small"])
    {'Qwen/Qwen2-72B-Instruct': 'qwen2-72b-instruct', 'a/small': 'a-small', 'b/small': 'b-small'}
    """
    whole = {name: _spelt(name) for name in names}
    last = {name: _spelt(name.rpartition("/")[2]) for name in names}
    return {
        name: whole[name]
        if any(last[other] == last[name] and whole[other] != whole[name] for other in names)
        else last[name]
        for name in names
    }


def _spelt(name: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-") or "model"
