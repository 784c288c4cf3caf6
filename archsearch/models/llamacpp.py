"""A GGUF model in this process, through xllamacpp: continuous batching on CPU or GPU.

The engine offers its tokenizer only through the HTTP listener that it always starts: on loopback,
and here behind a key that never leaves this process.
"""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import os
import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from archsearch.errors import ConfigError, MissingExtra, RequestRejected, TransientModelError
from archsearch.gate import Gate
from archsearch.gguf import read_header
from archsearch.models.base import Model, ModelConfig
from archsearch.models.chunks import Assembly, excerpt
from archsearch.models.drawing import Samples, drawn, encodable
from archsearch.models.rendering import Prompt, Renderer
from archsearch.shape import ModelShape
from archsearch.types import Completion, Message, Request

PLAIN = {"top_k": 0, "min_p": 0.0, "repeat_penalty": 1.0}
"""Sampling from the whole distribution; llama.cpp's own defaults cut it (40, 0.05)."""

if TYPE_CHECKING:
    import httpx

_PACKAGE = "package:"


def _cores() -> int:
    """Cores that this process may use, where the platform says."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class LlamaCppConfig(ModelConfig):
    """A GGUF file in this process, through llama.cpp."""

    passing: ClassVar[frozenset[str]] = ModelConfig.passing | {"slots", "threads"}

    backend: Literal["llamacpp"] = "llamacpp"
    path: str
    """A GGUF file, or `package:NAME/FILE` for one that an installed Python package ships."""
    slots: int = Field(default=8, ge=1)
    """Samples decoded together. Memory grows with slots x context."""
    context: int = Field(default=2048, ge=16)
    """Tokens of one sample, prompt and completion; the engine rounds up, and down to the most
    that the model was trained for."""
    threads: int = Field(default_factory=_cores, ge=1)
    prefix_cache: bool = False
    """Skips the prefill of what a slot still holds of an earlier prompt. Faster, and no longer
    repeatable: of samples drawn again from an empty store, 98 % had the same text with it and all
    without (`scripts/bench/reuse.py`)."""

    def known_shape(self) -> ModelShape:
        """As typed in, or read from the file's header."""
        return self.shape or ModelShape.from_gguf(locate(self.path))

    async def open(self) -> LlamaCpp:
        """Hashes and loads the file, off the event loop: seconds per gigabyte."""
        import httpx

        file = locate(self.path)
        shape = await asyncio.to_thread(self.known_shape)
        identity = await asyncio.to_thread(identify, file)
        key = secrets.token_urlsafe()
        engine = await asyncio.to_thread(self._start, file, key)
        client = httpx.AsyncClient(
            base_url=engine.listening_address,
            headers={"Authorization": f"Bearer {key}"},
            timeout=None,  # noqa: S113 - the caller's deadline counts
            limits=httpx.Limits(keepalive_expiry=3.0),  # the listener hangs up after 5 s
            trust_env=False,
        )
        facts = (await client.get("/v1/models")).json()["data"][0]["meta"]
        return LlamaCpp(
            engine,
            client,
            identity=f"{identity}:{facts['ftype']}",
            shape=shape,
            slots=self.slots,
            context=facts["n_ctx"],
            prefix_cache=self.prefix_cache,
        )

    def _start(self, file: Path, key: str) -> Any:
        xllamacpp = _library()
        params = xllamacpp.CommonParams()
        params.model.path = str(file)
        params.n_parallel = self.slots
        params.n_ctx = self.slots * self.context
        params.kv_unified = False  # one cache for all: samples change with their neighbours
        # Its kernels round by how many tokens of a prompt are computed at once: of 40 greedy
        # replies 9 changed with the number of slots. Without it none does, as fast on a CPU.
        flash_attention = xllamacpp.llama_flash_attn_type
        params.flash_attn_type = flash_attention.LLAMA_FLASH_ATTN_TYPE_DISABLED
        params.cache_ram_mib = 0  # prompts kept beside the slots: by default up to 8 GiB of them
        params.cpuparams.n_threads = self.threads
        params.api_keys = [key]
        params.ui = False
        params.verbosity = -1
        try:
            return xllamacpp.Server(params)
        except RuntimeError as error:
            raise ConfigError(
                f"a model must be one that llama.cpp can load; {file} is not ({error}); "
                "take another file, fewer slots or a shorter context"
            ) from error


def locate(path: str) -> Path:
    """The file that a config's `path` names. A package is found without being imported."""
    if not path.startswith(_PACKAGE):
        return Path(path).expanduser()
    package, _, inside = path.removeprefix(_PACKAGE).partition("/")
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    for folder in (spec and spec.submodule_search_locations) or ():
        if (file := Path(folder, inside)).is_file():
            return file
    raise ConfigError(
        f"`{_PACKAGE}NAME/FILE` must name a file in an installed Python package; received "
        f"{path!r}; install the package or correct the name"
    )


def identify(file: Path) -> str:
    """What a model file holds: the name it gives itself, and its SHA-256."""
    name = read_header(file).metadata.get("general.name", "unnamed")
    with file.open("rb") as content:
        return f"llamacpp:{name}:{hashlib.file_digest(content, 'sha256').hexdigest()}"


def _library() -> Any:
    # Idle OpenMP threads spin for long by default, which costs others in this process the CPU;
    # at 0 batches of one are three times slower. Read when the library is loaded.
    os.environ.setdefault("GOMP_SPINCOUNT", "300")
    try:
        import xllamacpp
    except ImportError as error:
        raise MissingExtra("the llamacpp back-end", "llamacpp") from error
    return xllamacpp


class LlamaCpp(Model):
    """A loaded model. Close it: an interpreter that exits first waits for every call to end."""

    def __init__(
        self,
        engine: Any,
        client: httpx.AsyncClient,
        *,
        identity: str,
        shape: ModelShape,
        slots: int,
        context: int,
        prefix_cache: bool,
    ) -> None:
        """Takes over an `xllamacpp.Server` and a client of its listener."""
        self.identity, self.shape, self.capacity, self.context = identity, shape, slots, context
        self.together = slots
        self._engine = engine
        self._client = client
        self._renderer = Renderer(client)
        # A request that waits inside the engine cannot be cancelled, so none may have to.
        self._gate = Gate(slots)
        self._threads = ThreadPoolExecutor(slots, thread_name_prefix="llamacpp")
        self._calls: set[_Call] = set()
        self._prefix_cache = prefix_cache
        self._closed = False

    def stream(self, request: Request) -> Samples:
        """Samples of one request share their prefill, up to as many as there are slots."""
        return drawn(request, self._draw, most=self.capacity)

    async def count_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of the very prompt that would be sent."""
        self._require_open()
        return len((await self._renderer.render(messages)).ids)

    async def close(self) -> None:
        """Cancels the calls in flight and waits for their threads, at most one prefill long."""
        if self._closed:
            return
        self._closed = True
        for call in self._calls:
            call.cancelled = True
        await asyncio.to_thread(self._threads.shutdown)
        await self._client.aclose()
        self._engine = None

    async def _draw(self, request: Request, seed: int) -> Samples:
        self._require_open()
        prompt = await self._renderer.render(request.messages)
        await self._gate.take(request.n)
        if self._closed:
            self._gate.give(request.n)  # to the next who waits, to learn the same
        self._require_open()
        call = _Call(
            Assembly(
                n=request.n,
                seed=seed,
                thinking=prompt.thinking,
                logprobs=bool(request.logprobs),
            ),
            self._gate,
            request.n,
        )
        self._calls.add(call)
        try:
            self._threads.submit(call.run, self._engine, self._body(request, seed, prompt))
            while (item := await call.arrived.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            call.cancelled = True
            self._calls.discard(call)

    def _body(self, request: Request, seed: int, prompt: Prompt) -> Mapping[str, Any]:
        """What the engine is asked. Only a stream can be cancelled, and counts each sample."""
        return {
            "prompt": prompt.ids.tolist(),
            "n": request.n,
            "seed": seed,
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "top_p": request.top_p,
            "stop": [encodable(stop) for stop in request.stop],
            "cache_prompt": self._prefix_cache,
            "stream": True,
            "stream_options": {"include_usage": True},
            **({"logprobs": request.logprobs} if request.logprobs else {}),
            **PLAIN,
        }

    def _require_open(self) -> None:
        if self._closed:
            raise TransientModelError("the model was closed")


class _Call:
    """One request, in a thread of its own. What it brings is handed to the event loop."""

    def __init__(self, assembly: Assembly, gate: Gate, places: int) -> None:
        """`places` of `gate` are held, and given back one by one as samples are done."""
        self.arrived: asyncio.Queue[tuple[int, Completion] | Exception | None] = asyncio.Queue()
        """The samples; then an error or None."""
        self.cancelled = False
        """Set when nobody waits any more; the engine sees it with the next token."""
        self._loop = asyncio.get_running_loop()
        self._assembly, self._gate, self._places = assembly, gate, places
        self._failure: Exception | None = None

    def run(self, engine: Any, body: Mapping[str, Any]) -> None:
        """In the thread: until the engine is through, or has seen that nobody waits."""
        try:
            engine.handle_completions(body, self._take)
        except ValueError as error:
            self._failure = RequestRejected(f"llama.cpp refused the request: {excerpt(str(error))}")
        except Exception as error:  # noqa: BLE001 - somebody waits to hear of it
            self._failure = TransientModelError(f"llama.cpp failed: {excerpt(str(error))}")
        self._hand_over(self._failure or self._assembly.lack())

    def _take(self, chunk: object) -> bool:
        """The engine's callback; true makes it stop."""
        try:
            for sample in self._assembly.feed(chunk):
                self._hand_over(sample)
        except Exception as error:  # noqa: BLE001 - the engine would swallow it
            self._failure = error
        return self.cancelled or self._failure is not None

    def _hand_over(self, item: tuple[int, Completion] | Exception | None) -> None:
        with suppress(RuntimeError):  # the loop is gone, and whoever waited with it
            self._loop.call_soon_threadsafe(self._arrive, item)

    def _arrive(self, item: tuple[int, Completion] | Exception | None) -> None:
        free = 1 if isinstance(item, tuple) else self._places
        self._places -= free
        self._gate.give(free)
        self.arrived.put_nowait(item)
