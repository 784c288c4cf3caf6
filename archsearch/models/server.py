"""Any OpenAI-compatible endpoint: vLLM, llama.cpp's server, SGLang, a proxy, a paid API.

Replies are streamed: that is what lets a call be cancelled, a sample be given as it finishes, and
each be counted by itself. Nothing is tried twice here: `calls` owns retries and the total deadline,
so there is a limit on connecting and none on answering.
"""

from __future__ import annotations

import json
import os
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import httpx
from pydantic import Field, JsonValue, field_validator, model_validator

from archsearch.errors import ConfigError, RequestRejected, TransientModelError, UnknownName
from archsearch.flops import ModelShape
from archsearch.models.base import Model, ModelConfig
from archsearch.models.chunks import Assembly, excerpt, failure, raise_error_in
from archsearch.models.drawing import Samples, drawn, encodable
from archsearch.seeds import digest
from archsearch.types import Message, Request

PLAIN: Mapping[str, Mapping[str, JsonValue]] = {
    "llamacpp": {"top_k": 0, "min_p": 0.0, "repeat_penalty": 1.0},
    "vllm": {"top_k": 0, "min_p": 0.0, "repetition_penalty": 1.0},
}
"""What makes each engine sample from the whole distribution, by the `owned_by` it lists models with.
Left to themselves, llama.cpp cuts it and vLLM does as the model's `generation_config.json` says.
These engines also count each sample of a request by itself, and count prompts for us."""

_COUNTERS = {
    "llamacpp": ("{base}/chat/completions/input_tokens", "input_tokens"),
    "vllm": ("{root}/tokenize", "count"),
}
"""Where each engine counts the tokens of messages, and under which key it answers."""

_TOKENS_AROUND_PROMPT, _TOKENS_AROUND_MESSAGE = 128, 16
"""Most that a chat template is taken to add, where nobody can be asked."""

_OURS = frozenset(
    """model messages n seed temperature top_p stop stream stream_options max_tokens
    max_completion_tokens""".split()
)


class ServerConfig(ModelConfig):
    """An endpoint, and the name that it serves the model under."""

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
    extra_body: dict[str, JsonValue] = {}
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
            return Server(self, endpoint, served, shape, await _counter(endpoint, self, served))
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
