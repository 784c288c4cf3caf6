"""Any OpenAI-compatible endpoint: vLLM, llama.cpp's server, SGLang, a proxy, a paid API.

Replies are streamed: that is what lets a call be cancelled, a sample be given as it finishes, and
each be counted by itself. Nothing is tried twice here: `calls` owns retries and the total deadline,
so there is a limit on connecting and none on answering.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
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
from archsearch.models.chunks import Assembly, excerpt, failure, raise_error_in
from archsearch.models.drawing import Samples, drawn, encodable
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

_GOODBYE = 1.0
"""Seconds that a server has for ending a reply properly, so that its connection can be kept."""


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
    one by one. Unset: as the server is known to do."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    extra_body: dict[str, JsonValue] = Field(default_factory=dict)
    """Further keys of each request, such as `{chat_template_kwargs: {enable_thinking: false}}`."""
    concurrency: int = Field(default=32, ge=1)
    """Samples asked for at once; with `supports_n` on llama.cpp at most its slots."""
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
            endpoint = _Endpoint(client, self.base_url, self.api_key_env)
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
        endpoint: _Endpoint,
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
        self.together = config.concurrency if supports_n else 1
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


async def _served(endpoint: _Endpoint, model: str) -> _Served:
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
            return _Served(_engine(entry), _context(entry))
    if any(_engine(entry) for entry in models):  # others may list less than they serve
        raise UnknownName("served model", model, {entry["id"] for entry in models})
    return _Served()


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

    endpoint: _Endpoint
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
            raise TransientModelError(f"a count must come as `{self.key}`; received {reply!r}")
        return count


async def _counter(endpoint: _Endpoint, config: ServerConfig, served: _Served) -> _Counter | None:
    """The server's way of counting, if it has one that works."""
    if served.engine is None:
        return None
    place, key = _COUNTERS[served.engine]
    url = place.format(base=endpoint.base, root=endpoint.base.removesuffix("/v1"))
    counter = _Counter(endpoint, url, key, {"model": config.model, **config.extra_body})
    try:
        await counter.count([Message(role="user", content="Hello.")])
    except ModelError:  # an older version, or a proxy that lets only some paths through
        return None
    return counter


class _Endpoint:
    """HTTP, with every way in which it can fail turned into an error of ours."""

    def __init__(self, client: httpx.AsyncClient, base: str, key_env: str | None) -> None:
        self.base = base
        self._client = client
        self._key_env = key_env

    async def ask(self, method: str, url: str, body: Mapping[str, Any] | None = None) -> Any:
        """The JSON that the server answers."""
        self.require_open()
        try:
            response = await self._client.request(method, url, json=body)
        except httpx.HTTPError as error:
            raise _unreached(error) from error
        self._require_success(response)
        return _parsed(self._redacted(response.content))

    async def chunks(
        self, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> AsyncGenerator[Any, None]:
        """The parsed events of a streamed chat completion."""
        self.require_open()
        url = f"{self.base}/chat/completions"
        try:
            async with self._client.stream("POST", url, json=body, headers=headers) as response:
                if not _is_stream(response):
                    await response.aread()
                    self._require_success(response)
                    raise_error_in(_parsed(self._redacted(response.content)))
                    raise TransientModelError("a reply must be a stream of events; this one is not")
                async with aclosing(_events(response)) as events:
                    async for data in events:
                        yield _parsed(self._redacted(data))
        except httpx.HTTPError as error:
            raise _unreached(error) from error

    def require_open(self) -> None:
        """Raises when the model was closed."""
        if self._client.is_closed:
            raise TransientModelError("the model was closed")

    async def close(self) -> None:
        """Hangs up on every connection."""
        await self._client.aclose()

    def _require_success(self, response: httpx.Response) -> None:
        status = response.status_code
        if status in (401, 403):
            raise ConfigError(
                f"a server must accept the key; {self.base} answers {status}; "
                + (f"check ${self._key_env}" if self._key_env else "set api_key_env on the model")
            )
        if status == 200:
            return
        said = self._redacted(response.content).decode(errors="replace")
        raise failure(status, excerpt(said), retry_after=_pause(response))

    def _redacted(self, content: bytes) -> bytes:
        """What was received, without our key: servers quote it when they do not like it."""
        key = self._client.headers.get("Authorization", "").removeprefix("Bearer ")
        return content.replace(key.encode(), b"***") if key else content


def _unreached(error: httpx.HTTPError) -> TransientModelError:
    return TransientModelError(f"the connection failed: {type(error).__name__} {error}".rstrip())


def _is_stream(response: httpx.Response) -> bool:
    kind = response.headers.get("content-type", "")
    return response.status_code == 200 and kind.startswith("text/event-stream")


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError as error:
        shown = excerpt(content.decode(errors="replace"))
        raise TransientModelError(f"a reply must be JSON; received {shown!r}") from error


async def _events(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """The data of each event up to `[DONE]`; comments, which keep connections alive, left out."""
    async with aclosing(_lines(response)) as lines:
        async for line in lines:
            if not line.startswith(b"data:"):
                continue
            data = line.removeprefix(b"data:").strip()
            if data == b"[DONE]":
                break
            yield data
        with suppress(TimeoutError, httpx.HTTPError):
            async with asyncio.timeout(_GOODBYE):
                async for _ in lines:
                    pass


async def _lines(response: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Lines as servers end them; httpx's own also break at U+2028 and such, inside of texts."""
    rest = b""
    async for chunk in response.aiter_bytes():
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield line
    yield rest


def _pause(response: httpx.Response) -> float | None:
    """Seconds that `Retry-After` asks for, given as a number or as a date."""
    said = response.headers.get("retry-after", "")
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return None
