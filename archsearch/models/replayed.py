"""Replayed models: of each only what a sample store holds; no weights, no endpoint.

When a model is opened for a search, the store is told what it is. A replay asks the store in its
stead: the samples, the refusals and the lengths of prompts are found there under the model's
identity, and what is not found is missing, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from archsearch.errors import ConfigError, MissingSample
from archsearch.models.base import Model, ModelConfig
from archsearch.models.drawing import Samples
from archsearch.shape import ModelShape
from archsearch.store import SampleStore
from archsearch.types import Message, Request

_REMEDY = "draw it with `archsearch search` or `archsearch pool` into this store"


class Facts(BaseModel):
    """What a replay must know of a model."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """The one that the study gave it; for people."""
    identity: str
    context: int
    capacity: int
    together: int
    """Of this and the one before hangs what is reserved for a draw, and so where a budget ends."""
    scores: bool
    shape: ModelShape | None


def remember(
    store: SampleStore, configs: Mapping[str, ModelConfig], models: Mapping[str, Model]
) -> None:
    """Tells the store what each of `models` is."""
    for name, model in models.items():
        facts = Facts(
            name=name,
            identity=model.identity,
            context=model.context,
            capacity=model.capacity,
            together=model.together,
            scores=model.scores,
            shape=model.shape,
        )
        store.put_model(configs[name].signature(), facts.model_dump(mode="json"))


def replayed(store: SampleStore, configs: Mapping[str, ModelConfig]) -> dict[str, Replayed]:
    """The models of a study, by name. Raises `ConfigError` for one that the store does not know."""
    known = {sign: Facts.model_validate(facts) for sign, facts in store.models().items()}
    models: dict[str, Replayed] = {}
    for name, config in configs.items():
        if (facts := _known(config.signature(), known)) is None:
            held = ", ".join(f"{f.name} ({f.identity})" for f in known.values()) or "none"
            raise ConfigError(
                f"a replay needs models that its store has samples of, configured alike but for "
                f"{', '.join(sorted(config.passing))}; models.{name} is not among them; it "
                f"holds: {held}; name another store, or set models.{name} as it was"
            )
        models[name] = Replayed(facts, config.shape or facts.shape)
    return models


def _known(sign: str, known: Mapping[str, Facts]) -> Facts | None:
    """The model that was configured so; its files may lie elsewhere now, where that leaves one."""
    if sign in known:
        return known[sign]
    kind = sign.partition("@")[0]
    alike = [facts for other, facts in known.items() if other.partition("@")[0] == kind]
    return alike[0] if len({facts.identity for facts in alike}) == 1 else None


class Replayed(Model):
    """Raises `MissingSample` whatever it is asked: who asks has found nothing in the store."""

    def __init__(self, facts: Facts, shape: ModelShape | None) -> None:
        self._name = facts.name
        self.identity, self.context, self.scores = facts.identity, facts.context, facts.scores
        self.capacity, self.together, self.shape = facts.capacity, facts.together, shape

    def stream(self, request: Request) -> Samples:
        """Raises `MissingSample`."""
        raise MissingSample(
            f"a replay takes every sample from its store; it lacks {request.n} of "
            f"{self._name!r} in the role {request.role!r}; {_REMEDY}"
        )

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        """Raises `MissingSample`."""
        begun = " ".join(messages[-1].content.split())[:40]
        raise MissingSample(
            f"a replay takes the length of every prompt from its store; it lacks that of "
            f"{begun!r}... for {self._name!r}; {_REMEDY}"
        )

    async def close(self) -> None:
        """Nothing is held."""
