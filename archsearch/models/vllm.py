"""vLLM in this process: continuous batching on GPUs, all prefixes shared.

Samples are single requests with consecutive seeds: under prefix caching the prompt is prefilled
once all the same, and each sample is there as soon as it is finished. The engine runs in processes
of its own; should they die or stall it is started again (`lives`), and models that do not fit
together take turns (`residency`).

Loading takes a minute or more and runs in a thread: an `AsyncLLM` made where no event loop runs
joins the loop of its first call.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import fields
from itertools import count
from typing import Any, ClassVar, Literal

from pydantic import Field, JsonValue, field_validator, model_validator

from archsearch.errors import ConfigError, RequestRejected, suggest
from archsearch.models import vllm_api
from archsearch.models.base import Model, ModelConfig
from archsearch.models.chat import ChatRenderer, Prompt
from archsearch.models.chunks import excerpt
from archsearch.models.drawing import Samples, check, drawn
from archsearch.models.hub import Source, identify, locate
from archsearch.models.lives import EngineDied, Life, Lives
from archsearch.models.residency import Member, Turns, memory_bytes
from archsearch.seeds import digest
from archsearch.shape import ModelShape
from archsearch.types import Message, Request

_OURS = {
    "model": "model",
    "revision": "revision",
    "tokenizer": "tokenizer",
    "dtype": "dtype",
    "quantization": "quantization",
    "max_model_len": "context",
    "max_num_seqs": "concurrency",
    "gpu_memory_utilization": "memory",
    "tensor_parallel_size": "tensor_parallel",
    "data_parallel_size": "data_parallel",
    "enable_lora": "lora",
    "enable_sleep_mode": "sleeps",
    "runner": "scores",
}
"""Engine arguments that have a field of their own."""
_FIXED = frozenset(
    [
        "code_revision", "disable_log_stats", "enable_log_requests", "generation_config",
        "logprobs_mode", "max_logprobs", "override_generation_config", "stream_interval",
        "tokenizer_revision",
    ]
)  # fmt: skip
"""Engine arguments on which the meaning of a sample, or of a call, hangs."""
_NEUTRAL = frozenset(
    [
        "cpu_offload_gb", "distributed_executor_backend", "enable_chunked_prefill",
        "enable_prefix_caching", "enforce_eager", "max_lora_rank", "max_num_batched_tokens",
        "trust_remote_code",
    ]
)  # fmt: skip
"""Engine arguments that change how fast a sample comes, and not which one is meant."""

_WEIGHT_BYTES = {
    "float32": 4.0, "fp8": 1.0, "gptq": 0.5, "gptq_marlin": 0.5, "awq": 0.5, "awq_marlin": 0.5,
    "bitsandbytes": 0.5,
}  # fmt: skip
"""Bytes per weight, by quantisation or dtype; 2 for all others."""
_INTERVAL = 32
"""Tokens of a sample after which the engine gives a sign of life; each one costs this process."""


class VLLMConfig(ModelConfig):
    """A model in this process, through vLLM."""

    passing: ClassVar[frozenset[str]] = ModelConfig.passing | {
        "concurrency", "data_parallel", "memory", "restarts", "share", "sleeps", "stall",
        "tensor_parallel",
    }  # fmt: skip
    files: ClassVar[frozenset[str]] = frozenset({"lora", "model", "tokenizer"})

    backend: Literal["vllm"] = "vllm"
    model: str
    """A hub id, or a local folder in the Hugging Face form."""
    revision: str | None = None
    """Branch, tag or commit on the hub; the commit that it means becomes part of the identity."""
    tokenizer: str | None = None
    """Another tokenizer than the model's own; the chat template is the tokenizer's."""
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    quantization: str | None = None
    """As vLLM names it; None for what the model's config says."""
    context: int = Field(default=4096, ge=16)
    """Tokens of one sample, prompt and completion."""
    concurrency: int = Field(default=256, ge=1)
    """Samples decoded together, over all replicas."""
    memory: float | None = Field(default=None, gt=0, le=1)
    """Share of each GPU's memory for this model, weights and caches; vLLM takes 0.9 by default."""
    tensor_parallel: int = Field(default=1, ge=1)
    """GPUs that share one replica's weights."""
    data_parallel: int = Field(default=1, ge=1)
    """Replicas, each on GPUs of its own."""
    lora: str | None = None
    """An adapter that every request uses: a hub id or a local folder."""
    scores: bool = False
    """A reward model, which gives a conversation one number; see `Model.scores`."""
    sleeps: bool = False
    """Takes turns with the other models of its `share`: only one of them is on the GPUs, the
    others wait in main memory (vLLM's sleep mode, level 1)."""
    share: str = "node"
    """Names the models that `sleeps` is about."""
    stall: float = Field(default=120.0, gt=0)
    """Seconds without a sign of life after which the engine is asked for one token, and those that
    it has to give it; then it is started again. More than the longest prompt takes to prefill."""
    restarts: int = Field(default=3, ge=0)
    """How often an engine that died is started again."""
    engine: dict[str, JsonValue] = Field(default_factory=dict)
    """Any other argument of vLLM's `AsyncEngineArgs`."""

    @field_validator("engine")
    @classmethod
    def _leaves_ours(cls, engine: dict[str, JsonValue]) -> dict[str, JsonValue]:
        for name in engine:
            if name in _OURS:
                raise ValueError(
                    f"`engine` must hold what has no field of its own; received {name!r}; "
                    f"set `{_OURS[name]}` instead"
                )
            if name in _FIXED:
                raise ValueError(
                    f"`engine` must not change what a sample or a call means; received {name!r}; "
                    "leave it out"
                )
        return engine

    @model_validator(mode="after")
    def _has_no_adapter_that_scores(self) -> VLLMConfig:
        if self.scores and self.lora:
            raise ValueError(
                f"a reward model must have no `lora`; received {self.lora!r}; merge the adapter "
                "into the model"
            )
        return self

    @property
    def writes(self) -> bool:
        """Whether it has a head for tokens."""
        return not self.scores

    def known_shape(self) -> ModelShape:
        """As typed in, or read from the model's `config.json`, if need be fetched from the hub."""
        return self.shape or ModelShape.from_hf_config(locate(self.model, self.revision).config)

    def memory_bytes(self, shape: ModelShape) -> int:
        """Weights, and caches filled by `concurrency` samples of `context` tokens each. The engine
        works with smaller caches too: it then decodes fewer samples at once."""
        weight = _WEIGHT_BYTES.get(self.quantization or self.dtype, 2.0)
        cache = 1.0 if str(self.engine.get("kv_cache_dtype", "")).startswith("fp8") else 2.0
        return memory_bytes(
            shape,
            weight_bytes=weight * self.data_parallel,
            cache_bytes=4.0 if self.dtype == "float32" else cache,
            tokens=self.concurrency * self.context,
        )

    async def open(self) -> VLLM:
        """Hashes (a local folder) and loads the model, off the event loop."""
        source = await asyncio.to_thread(locate, self.model, self.revision)
        arguments = await asyncio.to_thread(self._arguments, source)
        adapter = await asyncio.to_thread(vllm_api.adapter, self.lora)
        model = VLLM(
            self,
            arguments,
            await asyncio.to_thread(self._renderer, source),
            identity=await asyncio.to_thread(self._identity, source),
            adapter=adapter,
            shape=self.shape or _shape_in(source),
        )
        try:
            await model.begin()
        except BaseException:
            await model.close()
            raise
        return model

    def _renderer(self, source: Source) -> ChatRenderer:
        """Has a tokenizer of its own: the engine's is busy in other threads."""
        from transformers import AutoTokenizer

        name, revision = self.tokenizer or self.model, None if self.tokenizer else source.revision
        try:
            tokenizer = AutoTokenizer.from_pretrained(name, revision=revision)
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"a model must come with a tokenizer; that of {name} cannot be loaded "
                f"({excerpt(str(error))}); give another one as `tokenizer`"
            ) from error
        return ChatRenderer(tokenizer)

    def _identity(self, source: Source) -> str:
        """What the weights are, and all else that changes what a sample says."""
        parts = ["vllm", identify(self.model, source)]
        if self.lora is not None:
            parts.append(f"lora={identify(self.lora, locate(self.lora, None))}")
        if self.tokenizer is not None:
            parts.append(f"tokenizer={identify(self.tokenizer, locate(self.tokenizer, None))}")
        if telling := {k: v for k, v in self.engine.items() if k not in _NEUTRAL}:
            parts.append(f"engine={digest(telling)[:16]}")
        return ":".join(parts)

    def _arguments(self, source: Source) -> dict[str, Any]:
        """What the engine is made from."""
        engine_args = vllm_api.library().AsyncEngineArgs
        known = {field.name for field in fields(engine_args)}
        for name in self.engine:
            if name not in known:
                raise ConfigError(
                    f"`engine` must hold arguments of vLLM's AsyncEngineArgs; received {name!r}"
                    f"{suggest(name, known - _OURS.keys() - _FIXED)}"
                )
        arguments: dict[str, Any] = {
            "model": self.model,
            "revision": source.revision,
            "tokenizer": self.tokenizer,
            "dtype": self.dtype,
            "quantization": self.quantization,
            "max_model_len": self.context,
            # For each replica; and one place for the watchdog's probe.
            "max_num_seqs": -(-self.concurrency // self.data_parallel) + 1,
            "gpu_memory_utilization": self.memory,
            "tensor_parallel_size": self.tensor_parallel,
            "data_parallel_size": self.data_parallel,
            "enable_lora": True if self.lora else None,
            "enable_sleep_mode": True if self.sleeps else None,
            "runner": "pooling" if self.scores else "generate",
            "generation_config": "vllm",  # else a model's own file changes how it samples
            "logprobs_mode": "raw_logprobs",
            "stream_interval": None if self.scores else _INTERVAL,
            "disable_log_stats": True,
        }
        return {k: v for k, v in arguments.items() if v is not None} | self.engine


def _shape_in(source: Source) -> ModelShape | None:
    """The shape that a config gives; None where it is of a family that cannot be read."""
    try:
        return ModelShape.from_hf_config(source.config)
    except ConfigError:
        return None  # refused later, with the remedy, if a budget in FLOPs needs it


class VLLM(Model):
    """A loaded model. Close it: its engine runs in processes of its own."""

    def __init__(
        self,
        config: VLLMConfig,
        arguments: Mapping[str, Any],
        renderer: ChatRenderer,
        *,
        identity: str,
        adapter: Any,
        shape: ModelShape | None,
    ) -> None:
        """Nothing is loaded before `begin`. `arguments` are the engine's, `adapter` a vLLM
        `LoRARequest` or None; `identity` lacks what only the loaded engine knows."""
        self.identity, self.shape = identity, shape
        self.capacity, self.context, self.scores = config.concurrency, config.context, config.scores
        self._arguments, self._adapter, self._renderer = arguments, adapter, renderer
        self._stall = config.stall
        self._numbers = count()
        self._lives = Lives(
            self._start,
            restarts=config.restarts,
            name=f"model {config.model}",
            remedy="read what the engine wrote; lower `concurrency`, `context` or `memory`",
        )
        self._turns = Turns.of(config.share) if config.sleeps else None
        self._member: Member | None = None
        if self._turns:
            self._member = self._turns.join(sleep=self._sleep, wake=self._wake)
        self._asleep = False

    async def begin(self) -> None:
        """Loads the weights, when it is the model's turn; raises `ConfigError` if that fails."""
        async with self._turn() as life:
            settled = life.engine.model_config
        dtype = str(settled.dtype).removeprefix("torch.")
        self.identity = f"{self.identity}:{dtype}:{settled.quantization or 'plain'}"

    def stream(self, request: Request) -> Samples:
        """Samples are single requests; what they have in common is prefilled once."""
        return self._score(request) if self.scores else drawn(request, self._draw, most=1)

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of the very prompt that would be sent."""
        return len(self._renderer.render(messages, answered=self.scores).ids)

    async def close(self) -> None:
        """Ends the calls in flight, and the engine's processes: seconds."""
        await self._lives.close()
        if self._turns and self._member:
            self._turns.leave(self._member)

    # -- Requests.

    async def _draw(self, request: Request, seed: int) -> Samples:
        prompt = self._prompt(request, room=1)
        sampling = vllm_api.sampling(request, seed)
        async with self._turn() as life:
            pieces = await life.run(self._generate(life, prompt, sampling))
        logprobs = bool(request.logprobs)
        yield 0, vllm_api.completion(pieces, prompt, seed=seed, logprobs=logprobs)

    async def _score(self, request: Request) -> Samples:
        check(request, scores=True)
        prompt = self._prompt(request, room=0)
        async with self._turn() as life:
            [output] = await life.run(self._pool(life, prompt))
        for index in range(request.n):
            yield index, vllm_api.judgement(output, prompt, seed=(request.seed or 0) + index)

    def _prompt(self, request: Request, *, room: int) -> Prompt:
        """The rendered prompt, which must leave `room` tokens of the context."""
        prompt = self._renderer.render(request.messages, answered=self.scores)
        if len(prompt.ids) + room > self.context:
            raise RequestRejected(
                f"a prompt must fit into a context of {self.context} tokens; received "
                f"{len(prompt.ids)}; shorten it, or raise the model's `context`"
            )
        return prompt

    async def _generate(self, life: Life, prompt: Prompt, sampling: Any) -> list[Any]:
        return await self._outputs(life, life.engine.generate, prompt, sampling)

    async def _pool(self, life: Life, prompt: Prompt) -> list[Any]:
        return await self._outputs(life, life.engine.encode, prompt, vllm_api.pooling())

    async def _outputs(self, life: Life, ask: Any, prompt: Prompt, params: Any) -> list[Any]:
        """All that the engine gives; cancelled, it aborts the request."""
        tokens = {"type": "token", "prompt_token_ids": prompt.ids}
        pieces = []
        with vllm_api.told_apart():
            outputs = ask(tokens, params, str(next(self._numbers)), lora_request=self._adapter)
            async for output in outputs:
                life.sign()
                pieces.append(output)
        return pieces

    # -- The engine's life.

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[Life]:
        """The life of an engine that is awake, and stays so while the block runs."""
        if self._turns is None or self._member is None:
            yield await self._lives.living()
            return
        async with self._turns.resident(self._member):
            yield await self._lives.living()

    async def _start(self) -> Life:
        engine = await asyncio.to_thread(vllm_api.load, self._arguments)
        self._asleep = False
        return Life(engine, stop=engine.shutdown, probe=self._probe, stall=self._stall)

    async def _probe(self, life: Life) -> None:
        """One token, or one score: what says that it is well may yet do nothing any more."""
        prompt = Prompt([0], thinking=False)
        if self.scores:
            await self._pool(life, prompt)
        else:
            await self._generate(life, prompt, vllm_api.one_token())

    async def _sleep(self) -> None:
        life = await self._lives.last()
        if life is None:
            return
        try:
            await life.run(_asked(life.engine.sleep(level=1)))
            self._asleep = True
        except EngineDied:
            await life.stop()  # the next model needs the memory

    async def _wake(self) -> None:
        life = await self._lives.living()
        if self._asleep:
            await life.run(_asked(life.engine.wake_up()))
            self._asleep = False


async def _asked(work: Awaitable[None]) -> None:
    with vllm_api.told_apart():
        await work
