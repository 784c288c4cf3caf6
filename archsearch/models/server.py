"""Any OpenAI-compatible endpoint: vLLM, llama.cpp's server, SGLang, a proxy, a paid API.

Replies are streamed: that is what lets a call be cancelled, a sample be given as it finishes, and
each be counted by itself. Nothing is tried twice here: `calls` owns retries and the total deadline,
so there is a limit on connecting and none on answering.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self
from urllib.parse import urlsplit

import httpx
from pydantic import Field, JsonValue, field_validator, model_validator

from archsearch.errors import (
    ConfigError,
    ModelError,
    RequestRejected,
    TransientModelError,
    UnknownName,
)
from archsearch.models.base import Model, ModelConfig
from archsearch.models.chunks import Assembly
from archsearch.models.drawing import Samples, drawn, encodable
from archsearch.models.endpoint import Endpoint
from archsearch.seeds import digest
from archsearch.shape import ModelShape
from archsearch.types import Message, Request

PLAIN: Mapping[str, Mapping[str, JsonValue]] = {
    "llamacpp": {"top_k": 0, "min_p": 0.0, "repeat_penalty": 1.0},
    "vllm": {"top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0},
}
"""What makes each engine sample from the whole distribution, by the `owned_by` of its models.
Left to themselves, llama.cpp cuts it and vLLM does as the model's `generation_config.json` says.
These engines also count each sample of a request by itself, and count prompts for us."""

_COUNTERS = {
    "llamacpp": ("{base}/chat/completions/input_tokens", "input_tokens"),
    "vllm": ("{root}/tokenize", "count"),
}
"""Where each engine counts the tokens of messages, and under which key it answers. `root` is the
base without its version."""

_TOKENS_AROUND_PROMPT, _TOKENS_AROUND_MESSAGE = 128, 16
"""Most that a chat template is taken to add, where nobody can be asked."""

_OURS = frozenset(
    ["model", "messages", "n", "seed", "temperature", "top_p", "stop", "stream", "stream_options"]
) | {"max_tokens", "max_completion_tokens", "logprobs", "top_logprobs"}

_HANGS_UP = "llamacpp"
"""The engine that closes a connection after each stream unannounced: the next request on it would
meet a closed door every now and then, so each of its streams gets a connection of its own."""

_HAS_SLOTS = "llamacpp"
"""The engine that refuses a request for more samples than it has slots."""


class ServerConfig(ModelConfig):
    """Any OpenAI-compatible endpoint, by its URL and the name it serves the model under."""

    passing: ClassVar[frozenset[str]] = ModelConfig.passing | {
        "api_key_env", "base_url", "concurrency", "connect_timeout", "shape_from", "supports_n",
    }  # fmt: skip

    backend: Literal["server"] = "server"
    base_url: str
    """Up to and with the version, such as `http://localhost:8000/v1`."""
    model: str
    """The served name."""
    api_key_env: str | None = None
    """The environment variable that holds the key; read when the model is opened."""
    supports_n: bool | None = None
    """Whether to ask for several samples in one request, which some servers bill one prefill for.
    It takes a server that counts the tokens of each, not only of all; else samples are asked for
    one by one. Unset: as the server is known to do, and a budget in dollars counts a prompt for
    each sample."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    extra_body: dict[str, JsonValue] = Field(default_factory=dict)
    """Further keys of each request, such as `{chat_template_kwargs: {enable_thinking: false}}`."""
    concurrency: int = Field(default=32, ge=1)
    """Samples asked for at once; in one request at most as many as llama.cpp has slots."""
    context: int | None = Field(default=None, ge=2)
    """Tokens of one sample, prompt and completion; needed where the server does not tell."""
    revision: str | None = None
    """Which weights are served, where the name leaves that open. Part of the model's identity."""
    quantization: str | None = None
    """How they are quantised. Part of the model's identity."""
    shape_from: str | None = None
    """A `config.json` or a GGUF file that the shape is read from."""
    connect_timeout: float = Field(default=10.0, gt=0)
    """Seconds."""

    @field_validator("base_url")
    @classmethod
    def _plain_url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("must be an address such as http://localhost:8000/v1")
        if parts.username or parts.password or parts.query:
            raise ValueError("must hold no credentials and no query; use api_key_env")
        return url.rstrip("/")

    @field_validator("extra_body")
    @classmethod
    def _nothing_of_ours(cls, extra: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if taken := sorted(_OURS & extra.keys()):
            raise ValueError(f"must not set {', '.join(taken)}, which each request sets")
        return extra

    @model_validator(mode="after")
    def _one_shape(self) -> Self:
        if self.shape and self.shape_from:
            raise ValueError("give either shape or shape_from")
        return self

    @property
    def billed_together(self) -> bool:
        """Where it was said that they are asked for in one request."""
        return self.supports_n is True

    def known_shape(self) -> ModelShape | None:
        """As typed in, or read from the file named."""
        if self.shape_from is None:
            return self.shape
        if self.shape_from.endswith(".gguf"):
            return ModelShape.from_gguf(self.shape_from)
        return ModelShape.from_hf_config(self.shape_from)

    async def open(self) -> Server:
        """Asks the server what it serves. No token is drawn."""
        shape = self.known_shape()
        client = httpx.AsyncClient(
            headers=self._credentials(),
            timeout=httpx.Timeout(None, connect=self.connect_timeout),
            # Above capacity the caller waits, not the pool. llama.cpp hangs up after 5 s.
            limits=httpx.Limits(keepalive_expiry=3.0),
        )
        try:
            endpoint = Endpoint(client, self.base_url, self.api_key_env)
            served = await _served(endpoint, self.model)
            counter = await _counter(endpoint, self, served)
            return Server(self, endpoint, served, shape, counter)
        except BaseException:
            await client.aclose()
            raise

    def _credentials(self) -> dict[str, str]:
        if self.api_key_env is None:
            return {}
        key = os.environ.get(self.api_key_env, "").strip()
        if not (key and key.isascii() and key.isprintable()):
            raise ConfigError(
                f"api_key_env must name an environment variable that holds a key; "
                f"{self.api_key_env} is {'malformed' if key else 'not set'}; export it"
            )
        return {"Authorization": f"Bearer {key}"}


class Server(Model):
    """An endpoint that was reached, and answers for one model."""

    def __init__(
        self,
        config: ServerConfig,
        endpoint: Endpoint,
        served: _Served,
        shape: ModelShape | None,
        counter: _Counter | None,
    ) -> None:
        known = [length for length in (config.context, served.context) if length]
        if not known:
            raise ConfigError(
                "a model's context must be known; the server does not tell it; "
                f"type `context:` in for {config.model!r}"
            )
        self.identity = _identity(config)
        self.shape, self.capacity, self.context = shape, config.concurrency, min(known)
        supports_n = served.engine is not None if config.supports_n is None else config.supports_n
        most = config.concurrency if served.slots is None else min(config.concurrency, served.slots)
        self.together = most if supports_n else 1
        self._max_tokens_field = config.max_tokens_field
        plain = PLAIN[served.engine] if served.engine else {}
        self._fixed = {"model": config.model, "stream": True, **plain, **config.extra_body}
        self._endpoint, self._counter = endpoint, counter
        self._headers = {"Connection": "close"} if served.engine == _HANGS_UP else {}

    def stream(self, request: Request) -> Samples:
        """Samples of as many streamed requests as the server's way of counting takes."""
        return drawn(request, self._draw, most=self.together)

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        """As the server counts; else an upper bound: UTF-8 bytes, and room for the template."""
        self._endpoint.require_open()
        if self._counter:
            # Some engines refuse to count what is too long for them: then the bound will do.
            with suppress(RequestRejected):
                return await self._counter.count(messages)
        return _TOKENS_AROUND_PROMPT + sum(
            len(encodable(message.content).encode()) + _TOKENS_AROUND_MESSAGE
            for message in messages
        )

    async def close(self) -> None:
        """Hangs up; calls in flight fail."""
        await self._endpoint.close()

    async def _draw(self, request: Request, seed: int) -> Samples:
        assembly = Assembly(n=request.n, seed=seed, logprobs=bool(request.logprobs))
        body = self._body(request, seed)
        async with aclosing(self._endpoint.chunks(body, self._headers)) as chunks:
            async for chunk in chunks:
                for sample in assembly.feed(chunk):
                    yield sample
        if lack := assembly.lack():
            raise lack

    def _body(self, request: Request, seed: int) -> Mapping[str, Any]:
        body: dict[str, Any] = {
            **self._fixed,
            "messages": _wire(request.messages),
            "seed": seed,
            self._max_tokens_field: request.max_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "stream_options": {"include_usage": True},
        }
        if request.stop:
            body["stop"] = [encodable(stop) for stop in request.stop]
        if request.logprobs:
            body |= {"logprobs": True, "top_logprobs": request.logprobs}
        if request.n > 1:
            body["n"] = request.n
            # How vLLM counts each sample; llama.cpp does so anyway.
            body["stream_options"] = {"include_usage": True, "continuous_usage_stats": True}
        return body


def _identity(config: ServerConfig) -> str:
    """What tells apart models that may answer differently; where they run does not."""
    parts = ["server", config.model]
    if config.revision:
        parts.append(f"@{config.revision}")
    if config.quantization:
        parts.append(config.quantization)
    if config.extra_body:
        parts.append(digest(config.extra_body))
    return ":".join(parts)


def _wire(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": m.role, "content": encodable(m.content)} for m in messages]


@dataclass(frozen=True, slots=True)
class _Served:
    """What a server says of a model."""

    engine: str | None = None
    """Which of the engines in `PLAIN` it is."""
    context: int | None = None
    slots: int | None = None
    """Most samples that it takes in one request; None where any number will do."""


async def _served(endpoint: Endpoint, model: str) -> _Served:
    try:
        listing = await endpoint.ask("GET", f"{endpoint.base}/models")
    except RequestRejected:  # it keeps no list
        return _Served()
    except TransientModelError as error:
        raise ConfigError(
            f"an OpenAI-compatible server must answer at base_url; {endpoint.base} does not "
            f"({error}); start it, or correct the address"
        ) from error
    models = list(_listed(listing, model))
    for entry in models:
        if entry["id"] == model:
            engine = _engine(entry)
            slots = await _slots(endpoint) if engine == _HAS_SLOTS else None
            return _Served(engine, _context(entry), slots)
    if any(_engine(entry) for entry in models):  # others may list less than they serve
        raise UnknownName("served model", model, {entry["id"] for entry in models})
    return _Served()


async def _slots(endpoint: Endpoint) -> int:
    """As llama.cpp tells them; else 1, since it refuses a request for more samples than slots."""
    try:
        told = await endpoint.ask("GET", f"{_root(endpoint)}/props")
    except (ConfigError, ModelError):  # a proxy that lets only some paths through
        return 1
    slots = told.get("total_slots") if isinstance(told, Mapping) else None
    return slots if type(slots) is int and slots > 0 else 1


def _root(endpoint: Endpoint) -> str:
    """The address without its version."""
    return endpoint.base.removesuffix("/v1")


def _listed(listing: object, model: str) -> Iterator[Mapping[str, Any]]:
    """The entries of a list of models; one that knows `model` as an alias comes under that name."""
    entries = listing.get("data") if isinstance(listing, Mapping) else None
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, Mapping) and isinstance(entry.get("id"), str):
            yield {**entry, "id": model} if model in (entry.get("aliases") or ()) else entry


def _engine(entry: Mapping[str, Any]) -> str | None:
    owner = entry.get("owned_by")
    return owner if owner in PLAIN else None


def _context(entry: Mapping[str, Any]) -> int | None:
    """A sample's tokens: vLLM tells them beside the name, llama.cpp among facts about the model."""
    meta = entry.get("meta")
    told = meta.get("n_ctx") if isinstance(meta, Mapping) else entry.get("max_model_len")
    return told if type(told) is int else None


@dataclass(frozen=True, slots=True)
class _Counter:
    """Where a server counts the tokens of messages."""

    endpoint: Endpoint
    url: str
    key: str
    """Under which the answer has the count."""
    common: Mapping[str, Any]
    """Keys of each request: they may change the template."""

    async def count(self, messages: Sequence[Message]) -> int:
        body = {**self.common, "messages": _wire(messages)}
        reply = await self.endpoint.ask("POST", self.url, body)
        count = reply.get(self.key) if isinstance(reply, Mapping) else None
        if type(count) is not int:
            shown = self.endpoint.quoted(reply)
            raise TransientModelError(f"a count must come as `{self.key}`; received {shown}")
        return count


async def _counter(endpoint: Endpoint, config: ServerConfig, served: _Served) -> _Counter | None:
    """The server's way of counting, if it has one that works."""
    if served.engine is None:
        return None
    place, key = _COUNTERS[served.engine]
    url = place.format(base=endpoint.base, root=_root(endpoint))
    counter = _Counter(endpoint, url, key, {"model": config.model, **config.extra_body})
    try:
        await counter.count([Message(role="user", content="Hello.")])
    except ModelError:  # an older version, or a proxy that lets only some paths through
        return None
    return counter
