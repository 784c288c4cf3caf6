"""The contract of a back-end: samples of one prompt, yielded as they finish."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from archsearch.seeds import digest
from archsearch.shape import ModelShape
from archsearch.types import Completion, Message, Request


class Price(BaseModel):
    """Dollars per million tokens."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    prompt: float = Field(ge=0)
    completion: float = Field(ge=0)


class ModelConfig(BaseModel, ABC):
    """A `models:` entry of a study file. A subclass is one back-end, named by its `backend`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    passing: ClassVar[frozenset[str]] = frozenset({"price", "shape"})
    """Fields that change neither what the model says nor how its prompts are counted: a replay may
    have other values than the search that drew the samples."""

    files: ClassVar[frozenset[str]] = frozenset({"gguf", "path", "shape_from"})
    """Fields that name a local file or folder, where there is one of that name."""

    backend: str
    price: Price | None = None
    """Needed only by budgets in dollars."""
    shape: ModelShape | None = None
    """Typed in where the back-end cannot read it itself (a closed API)."""
    context: int | None = None
    """Tokens of one sample, prompt and completion; None: as the server tells it."""

    @property
    def writes(self) -> bool:
        """Whether it writes text; a reward model only scores what others wrote."""
        return True

    @property
    def billed_together(self) -> bool:
        """Whether all samples of a prompt are billed one prompt together."""
        return True

    def known_shape(self) -> ModelShape | None:
        """The shape as far as it is known without loading any weights."""
        return self.shape

    def signature(self) -> str:
        """What a replay knows it by: a hex digest of all fields but the `passing` ones, of local
        files their name alone; where there are any, `@` and a digest of where they lie."""
        fields = self.model_dump(mode="json", exclude=set(self.passing))
        places = {
            name: Path(fields[name])
            for name in self.files & fields.keys()
            if isinstance(fields[name], str) and Path(fields[name]).is_absolute()
        }
        sign = digest({**fields, **{name: place.name for name, place in places.items()}})
        return f"{sign}@{digest(sorted(map(str, places.values())))}" if places else sign

    @abstractmethod
    async def open(self) -> Model:
        """A model ready to answer. Loads off the event loop; raises `ConfigError` with a remedy."""


class Model(ABC):
    """A running model. Concurrent calls are welcome; the caller keeps within `capacity`."""

    identity: str
    """What the weights are: id, revision, quantisation. Part of every sample's key, so two models
    that may answer differently never share one; no credential and no local path in it."""
    shape: ModelShape | None
    """What it costs; None where nothing is known (a closed API without a typed-in shape)."""
    capacity: int
    """Samples it works on at once; more would only wait inside the engine."""
    together: int = 1
    """Most samples that it serves better in one request than in as many, as they share a prefill
    then. What is asked for together also waits for places together."""
    context: int
    """Tokens in one sample's context, prompt and completion together."""
    scores: bool = False
    """Whether it is a reward model: it answers requests that are `scoring`, and no others."""

    @abstractmethod
    def stream(self, request: Request) -> AsyncGenerator[tuple[int, Completion], None]:
        """Yields (i, completion) for each i in 0..request.n - 1, once each, as samples finish.

        Sample i is drawn with seed `request.seed + i`, so a request for n=4 gives what four
        requests for n=1 with consecutive seeds would. Closing the iterator cancels what is left.
        A `scoring` request yields its one score, with the conversation counted as prompt tokens
        and no completion tokens.

        Raises:
            RequestRejected: the same request would be refused again (too long for the context).
            TransientModelError: anything that may pass; samples already yielded stay valid.

        """

    @abstractmethod
    async def count_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of the rendered prompt, or an upper bound where the tokenizer is out of reach."""

    @abstractmethod
    async def close(self) -> None:
        """Frees what `open` took; a second time does nothing. Calls in flight end; none hangs."""
