"""A model in this process, through Hugging Face transformers: text models and reward models.

The slowest way to run a model, and the one that takes the most kinds of them. Weights come from a
folder in the hub's format, from the hub, or from a GGUF file, which is unpacked into full floats.
Code that a checkpoint brings along is never run.
"""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from archsearch.errors import ConfigError, RequestRejected
from archsearch.models.base import Model, ModelConfig
from archsearch.models.chat import ChatRenderer
from archsearch.models.checkpoint import Checkpoint, Loaded
from archsearch.models.decoding import Decoder, TextJob
from archsearch.models.drawing import Samples, check, drawn, encodable
from archsearch.models.scoring import ScoreJob, Scorer
from archsearch.models.worker import Outlet, Result, Worker
from archsearch.seeds import SEED_BITS
from archsearch.shape import ModelShape
from archsearch.types import Message, Request

_ATTENDING = frozenset(["full_attention", "sliding_attention"])
"""Kinds of layers that remember by keys and values, which can be padded and put together."""


class TransformersConfig(ModelConfig):
    """A model in this process, through Hugging Face transformers."""

    passing: ClassVar[frozenset[str]] = ModelConfig.passing | {"batch"}
    files: ClassVar[frozenset[str]] = ModelConfig.files | {"model"}

    backend: Literal["transformers"] = "transformers"
    model: str | None = None
    """A folder in the hub's format, or the id of a model on the hub, such as `Qwen/Qwen3-0.6B`."""
    gguf: str | None = None
    """In its place a GGUF file, or `package:NAME/FILE` for one that an installed package ships."""
    revision: str | None = None
    """Which commit, tag or branch of a model on the hub."""
    device: str | None = None
    """As torch names it, such as `cuda:1`; unset, the GPU where there is one, else the CPU."""
    dtype: Literal["float32", "bfloat16", "float16"] | None = None
    """How weights are held; unset, float32 on the CPU and elsewhere as the model comes."""
    batch: int = Field(default=8, ge=1)
    """Samples decoded together, or conversations scored together. Memory grows with batch x
    context."""
    context: int = Field(default=2048, ge=16)
    """Tokens of one sample, prompt and completion; at most what the model was trained for."""
    scores: bool = False
    """A reward model: a sequence classifier with one label. Where it has a chat template it reads
    the whole conversation by it; else, as cross-encoders do, the pair of what came before the
    answer and the answer."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.model is None) == (self.gguf is None):
            raise ValueError("give either model or gguf")
        if self.gguf is not None and (self.revision or self.scores):
            raise ValueError("a gguf has no revision, and no head to score with; give model")
        return self

    @property
    def writes(self) -> bool:
        """Whether it has a head for tokens."""
        return not self.scores

    def known_shape(self) -> ModelShape | None:
        """As typed in, or read from the config or the file's header; the config of a model on the
        hub is fetched. None for a reward model that is no decoder of a known kind."""
        if self.shape is not None:
            return self.shape
        try:
            return self._checkpoint().shape()
        except ConfigError:
            if self.scores:
                return None
            raise

    async def open(self) -> TextModel | RewardModel:
        """Hashes and loads the weights, off the event loop: seconds per gigabyte."""
        worker: Worker[Any] = Worker("transformers")
        try:
            return await worker.call(lambda: self._opened(worker))
        except BaseException:
            await worker.close()
            raise

    def _opened(self, worker: Worker[Any]) -> TextModel | RewardModel:
        shape, checkpoint = self.known_shape(), self._checkpoint()
        held = {"device": self.device, "dtype": self.dtype}
        if self.scores:
            loaded = checkpoint.load("AutoModelForSequenceClassification", **held)
            return RewardModel(self, loaded, worker, shape)
        loaded = checkpoint.load("AutoModelForCausalLM", **held)
        return TextModel(self, loaded, worker, shape)

    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(self.model, self.gguf, self.revision)


class _InProcess(Model):
    """What text models and reward models have in common: two threads, for texts and for torch."""

    def __init__(
        self,
        config: TransformersConfig,
        loaded: Loaded,
        worker: Worker[Any],
        shape: ModelShape | None,
        context: int,
    ) -> None:
        """Takes over the worker. `context`: most tokens that the model was trained for."""
        self.identity, self.shape = loaded.identity, shape
        self.capacity, self.context = config.batch, min(config.context, context)
        self._worker = worker
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="tokenizer")

    async def close(self) -> None:
        """Ends the calls in flight, and waits for at most one forward pass."""
        await self._worker.close()
        await asyncio.to_thread(self._reader.shutdown)

    async def _read(
        self, read: Callable[[Sequence[Message]], Result], messages: Sequence[Message]
    ) -> Result:
        """What `read` makes of the messages, off the event loop."""
        self._worker.require_open()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._reader, read, messages)

    def _overflow(self, tokens: int) -> RequestRejected:
        return RequestRejected(
            f"a prompt must leave room in a context of {self.context} tokens; it has {tokens}; "
            "shorten it, or raise the model's `context` if it was trained for more"
        )


class TextModel(_InProcess):
    """A loaded causal language model."""

    def __init__(
        self,
        config: TransformersConfig,
        loaded: Loaded,
        worker: Worker[TextJob],
        shape: ModelShape | None,
    ) -> None:
        """Raises `ConfigError` for kinds of models whose memory cannot be batched."""
        kinds = {*(getattr(loaded.config, "layer_types", None) or ())}
        if kinds - _ATTENDING or loaded.model._is_stateful:
            raise ConfigError(
                "a model must remember by attention over keys and values; "
                f"{type(loaded.model).__name__} has "
                f"{', '.join(sorted(kinds - _ATTENDING)) or 'a state'}; run it on vLLM or llama.cpp"
            )
        trained = getattr(loaded.config, "max_position_embeddings", None)
        super().__init__(config, loaded, worker, shape, trained or config.context)
        self.together = config.batch
        self._renderer = ChatRenderer(loaded.tokenizer)
        # Two threads may not use one tokenizer.
        texts = copy.deepcopy(loaded.tokenizer)
        worker.drive(Decoder(loaded.model, texts, most=config.batch, ends=loaded.ends))

    def stream(self, request: Request) -> Samples:
        """Samples of one request share their prefill, up to as many as are decoded together."""
        return drawn(request, self._draw, most=self.together)

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of the very prompt that would be sent."""
        return len((await self._read(self._renderer.render, messages)).ids)

    async def _draw(self, request: Request, seed: int) -> Samples:
        prompt = await self._read(self._renderer.render, request.messages)
        room = self.context - len(prompt.ids)
        if room < 1:
            raise self._overflow(len(prompt.ids))
        job = TextJob(
            request=replace(request, stop=tuple(map(encodable, request.stop))),
            seed=seed,
            prompt=prompt,
            limit=min(request.max_tokens, room),
            outlet=Outlet(),
        )
        async with aclosing(self._worker.work(job)) as samples:
            async for sample in samples:
                yield sample


class RewardModel(_InProcess):
    """A loaded sequence classifier with one label."""

    scores = True

    def __init__(
        self,
        config: TransformersConfig,
        loaded: Loaded,
        worker: Worker[ScoreJob],
        shape: ModelShape | None,
    ) -> None:
        """Raises `ConfigError` for a classifier with several labels."""
        if (labels := loaded.model.config.num_labels) != 1:
            raise ConfigError(
                f"a reward model must have one label; {type(loaded.model).__name__} has {labels}; "
                "take one that was trained to score"
            )
        trained = getattr(loaded.config, "max_position_embeddings", None)
        longest = min(trained or config.context, loaded.tokenizer.model_max_length)
        super().__init__(config, loaded, worker, shape, longest)
        self._tokenizer = loaded.tokenizer
        self._renderer = ChatRenderer(loaded.tokenizer) if loaded.tokenizer.chat_template else None
        worker.drive(Scorer(loaded.model, most=config.batch))

    async def stream(self, request: Request) -> Samples:
        """The score of the last message, once for each sample asked for."""
        check(request, scores=True)
        if request.messages[-1].role != "assistant":
            raise RequestRejected(
                "a conversation to be scored must end with the assistant's answer; received "
                f"{request.messages[-1].role!r} last; correct the layer that asks"
            )
        inputs = await self._read(self._inputs, request.messages)
        seed = random.randrange(1 << SEED_BITS) if request.seed is None else request.seed
        job = ScoreJob(inputs, request.n, seed, Outlet())
        if job.length > self.context:
            raise self._overflow(job.length)
        async with aclosing(self._worker.work(job)) as samples:
            async for sample in samples:
                yield sample

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of what the model would read."""
        return len((await self._read(self._inputs, messages))["input_ids"])

    def _inputs(self, messages: Sequence[Message]) -> dict[str, list[int]]:
        """What the model reads, by the names of its inputs."""
        if self._renderer:
            ids = self._renderer.render(messages, answered=True).ids
            return {"input_ids": ids, "attention_mask": [1] * len(ids)}
        before = [m.content for m in messages[:-1]]
        return dict(
            self._tokenizer(
                encodable("\n\n".join(before)),
                encodable(messages[-1].content),
                split_special_tokens=True,  # so that no text can become a control token
            )
        )
