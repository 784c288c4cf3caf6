"""Endpoint: HTTP as servers of models speak it, with every failure turned into an error of ours."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from archsearch.errors import ConfigError, TransientModelError
from archsearch.models.chunks import choices_in, excerpt, failure, raise_error_in

GOODBYE = 1.0
"""Seconds that a server has for ending a reply properly, so that its connection can be kept."""

_ABSENT = frozenset({404, 405})
"""HTTP statuses with which a server says that it has no such model, or none at that address."""


class Endpoint:
    """One server. Whatever it answers is an answer or an error of ours."""

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
        return self._parsed(response.content)

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
                    self._require_served(response)
                    self._require_success(response)
                    raise_error_in(self._parsed(response.content), self.quoted)
                    raise TransientModelError("a reply must be a stream of events; this one is not")
                async with aclosing(_events(response)) as events:
                    async for data in events:
                        event = self._parsed(data)
                        choices_in(event, self.quoted)
                        yield event
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
        said = self.quoted(response.content.decode(errors="replace"))
        raise failure(status, said, retry_after=_pause(response))

    def _require_served(self, response: httpx.Response) -> None:
        """Raises for what no other request would change: it is not the architecture's fault."""
        status = response.status_code
        if status in _ABSENT:
            rule, remedy = "must serve the model", "correct `base_url` or `model`"
        elif _code(response) == "unsupported_parameter":
            rule = "must take the parameters of each request"
            remedy = "set `max_tokens_field` or use another server, back-end or layer"
        else:
            return
        said = self.quoted(response.content.decode(errors="replace"))
        raise ConfigError(f"a server {rule}; {self.base} answers {status}: {said}; {remedy}")

    def quoted(self, received: object) -> str:
        """The beginning of what was received, for an error message, and without our key: servers
        quote it when they do not like it. Samples are left as they are, since a key for servers
        that want none is often a common word."""
        key = self._client.headers.get("Authorization", "").removeprefix("Bearer ")
        text = received if isinstance(received, str) else repr(received)
        return excerpt(text.replace(key, "***") if key else text)

    def _parsed(self, content: bytes) -> Any:
        try:
            return json.loads(content)
        except ValueError as error:
            shown = self.quoted(content.decode(errors="replace"))
            raise TransientModelError(f"a reply must be JSON; received {shown!r}") from error


def _unreached(error: httpx.HTTPError) -> TransientModelError:
    return TransientModelError(f"the connection failed: {type(error).__name__} {error}".rstrip())


def _is_stream(response: httpx.Response) -> bool:
    kind = response.headers.get("content-type", "")
    return response.status_code == 200 and kind.startswith("text/event-stream")


def _code(response: httpx.Response) -> object:
    """The code in an error body, if it is one."""
    try:
        return response.json()["error"]["code"]
    except (ValueError, LookupError, TypeError):
        return None


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
            async with asyncio.timeout(GOODBYE):
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
