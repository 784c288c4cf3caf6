"""The server back-end: a real llama.cpp server, and one that does everything wrong."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, TypeVar

import pytest

from archsearch.errors import ConfigError, RequestRejected, TransientModelError, UnknownName
from archsearch.models.base import Model
from archsearch.models.llamacpp import locate
from archsearch.models.scripted import SHAPE
from archsearch.models.server import ServerConfig
from archsearch.registry import validate
from archsearch.testing import smollm
from archsearch.testing.model_contract import ModelContract, Opener, ask, draw, texts
from archsearch.types import Completion, Request, Usage

KEY = "sk-test-0123456789"
KEY_ENV = "ARCHSEARCH_TEST_KEY"
NAME = "smollm2"

Result = TypeVar("Result")


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_ENV, KEY)


@pytest.fixture(scope="module")
def llamacpp_address() -> Iterator[str]:
    """Where a real llama.cpp server listens."""
    script = Path(__file__).with_name("serve_llamacpp.py")
    with subprocess.Popen(
        [sys.executable, script, locate(smollm.PATH), NAME, "8", "512"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "LLAMACPP_KEY": KEY, "GOMP_SPINCOUNT": "300"},
    ) as process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.kill()


def real(address: str, **fields: Any) -> ServerConfig:
    return ServerConfig(
        base_url=f"{address}/v1", model=NAME, api_key_env=KEY_ENV, concurrency=8, **fields
    )


class TestOverLlamaCpp(ModelContract):
    pytestmark = smollm.MARKS
    secrets = (KEY,)

    @pytest.fixture(scope="class")
    @classmethod
    def opener(cls, llamacpp_address: str) -> Opener:
        async def opened() -> Model:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv(KEY_ENV, KEY)
                return await real(llamacpp_address).open()

        return opened


@dataclass
class Fake:
    """A server that answers a chat completion with given bytes, and remembers what it was asked."""

    reply: bytes | Callable[[Mapping[str, Any]], bytes] = b""
    """The whole HTTP response to `/chat/completions`."""
    engine: str = "vllm"
    models: bytes | None = None
    """The response to `/models`, if not a list of one."""
    props: bytes = b""
    """The response to `/props`, if not eight slots."""
    counts: Callable[[], bytes] | None = None
    """Gives the responses to `/tokenize`, if not the number of words and ten."""
    stays: bool = False
    """Whether it holds the connection open after the reply."""
    asked: list[tuple[str, Mapping[str, str], Any]] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a client hangs up on a connection that was held open."""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        async with server:
            host, port = server.sockets[0].getsockname()
            yield f"http://{host}:{port}/v1"

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first, *rest = (await reader.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in rest)
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        path = first.split()[1]
        asked = json.loads(body) if body else None
        self.asked.append((path, headers, asked))
        writer.write(self._response(path, asked))
        await writer.drain()
        if self.stays and path.endswith("/chat/completions"):
            await reader.read()
            self.left.set()
        writer.close()

    def _response(self, path: str, asked: Any) -> bytes:
        if path == "/v1/models":
            served = {"id": NAME, "owned_by": self.engine, "max_model_len": 512}
            return http(200, {"data": [served]}) if self.models is None else self.models
        if path == "/props":
            return self.props or http(200, {"total_slots": 8})
        if path == "/tokenize" and self.counts:
            return self.counts()
        if path == "/tokenize":
            return http(200, {"count": 10 + len(asked["messages"][0]["content"].split())})
        return self.reply(asked) if callable(self.reply) else self.reply

    @property
    def chats(self) -> list[Any]:
        return [body for path, _, body in self.asked if path.endswith("/chat/completions")]


def http(status: int, body: object, kind: str = "application/json", **headers: str) -> bytes:
    """An HTTP response; what is not bytes is sent as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields = {"content-type": kind, "content-length": str(len(content)), "connection": "close"}
    fields |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + content


def sse(*events: object, end: str = "data: [DONE]\n\n") -> bytes:
    """A streamed response; an event that is text is sent as it is."""
    lines = [e if isinstance(e, str) else f"data: {json.dumps(e)}\n\n" for e in events]
    return http(200, ("".join(lines) + end).encode(), "text/event-stream")


def said(text: str, index: int = 0, **choice: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": {"content": text}, **choice}]}


def used(completion: int, prompt: int = 9, **usage: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, **usage}


WHOLE = (said("Hello"), said(" you", finish_reason="stop"), {"choices": [], "usage": used(3)})


def config(address: str, **fields: Any) -> ServerConfig:
    return ServerConfig(base_url=address, model=NAME, api_key_env=KEY_ENV, **fields)


def with_model(fake: Fake, use: Callable[[Model], Awaitable[Result]], **fields: Any) -> Result:
    """What `use` gives for a model that `fake` serves."""

    async def run() -> Result:
        async with fake.serving() as address:
            model = await config(address, **fields).open()
            try:
                return await asyncio.wait_for(use(model), 10)
            finally:
                await model.close()

    return asyncio.run(run())


def answer(fake: Fake, request: Request | None = None, **fields: Any) -> list[Completion]:
    """The samples that `fake` gives."""
    return with_model(fake, lambda model: draw(model, request or ask()), **fields)


HALF = http(200, b"x" * 10).replace(b"content-length: 10", b"content-length: 99")
HTML = b"<html><body>Bad gateway</body></html>"

PASSING = {
    "error body with 200": http(200, {"error": {"message": "overloaded"}}),
    "error text with 200": http(200, {"error": "overloaded"}),
    "no choices": http(200, {"choices": []}),
    "null choices": http(200, {"choices": None}),
    "not streamed": http(200, {"choices": [{"message": {"content": "Hello"}}]}),
    "HTML with 200": http(200, HTML, "text/html"),
    "HTML with 502": http(502, HTML, "text/html"),
    "JSON cut": http(200, b'{"choices": [{"mess'),
    "body cut": HALF,
    "nothing": b"",
    "no HTTP": b"220 ready\r\n\r\n",
    "empty body": http(200, b""),
    "empty stream": sse(end=""),
    "only the end": sse(),
    "stream of no choices": sse({"choices": []}),
    "stream of null choices": sse({"choices": None}),
    "stream of lists": sse([]),
    "stream of HTML": sse("data: " + HTML.decode() + "\n\n"),
    "event cut": sse(said("Hello"), 'data: {"choices": [{"ind', end=""),
    "stream cut": sse(said("Hello"), end=""),
    "end before the finish": sse(said("Hello")),
    "error in the stream": sse(said("Hello"), {"error": {"message": "died", "code": 500}}),
    "error object in the stream": sse({"object": "error", "message": "died", "code": 500}),
    "index out of range": sse(said("Hello", index=1)),
    "no index": sse({"choices": [{"delta": {"content": "Hello"}}]}),
    "choice no mapping": sse({"choices": ["Hello"]}),
    "null delta": sse({"choices": [{"index": 0, "delta": None}]}),
    "content no text": sse({"choices": [{"index": 0, "delta": {"content": 5}}]}),
    "aborted": sse(said("Hello", finish_reason="abort")),
    "usage no mapping": sse(*WHOLE[:2], {"choices": [], "usage": 5}),
    "usage in fractions": sse(*WHOLE[:2], {"choices": [], "usage": used(3, prompt=1.5)}),  # type: ignore[arg-type]
    "usage negative": sse(*WHOLE[:2], {"choices": [], "usage": used(-1)}),
    **{str(status): http(status, {"error": {"message": "no"}}) for status in (408, 429, 500, 503)},
}


@pytest.mark.parametrize("reply", PASSING.values(), ids=PASSING.keys())
def test_what_may_pass_is_transient(reply: bytes) -> None:
    with pytest.raises(TransientModelError):
        answer(Fake(reply))


REFUSED = {
    **{str(status): http(status, {"error": {"message": "too long"}}) for status in (400, 413, 422)},
    "detail, no error": http(422, {"detail": "too long"}),
    "text": http(400, b"too long", "text/plain"),
    "in the stream": sse({"error": {"message": "too long", "code": 400}}),
}


@pytest.mark.parametrize("reply", REFUSED.values(), ids=REFUSED.keys())
def test_what_would_come_again_is_rejected(reply: bytes) -> None:
    with pytest.raises(RequestRejected, match="too long"):
        answer(Fake(reply))


@pytest.mark.parametrize("status", [404, 405])
def test_a_model_that_is_not_served_is_no_fault_of_the_request(status: int) -> None:
    fake = Fake(http(status, {"error": {"message": f"no model {NAME} for {KEY}"}}))
    with pytest.raises(
        ConfigError, match=rf"/v1 answers {status}: .*no model .* `model`$"
    ) as caught:
        answer(fake)
    assert KEY not in str(caught.value)


def test_a_parameter_that_no_request_may_have_is_no_fault_of_the_request() -> None:
    error = {"message": "'max_tokens' is not supported", "code": "unsupported_parameter"}
    with pytest.raises(ConfigError, match=r"'max_tokens' is not supported.*set `max_tokens_field`"):
        answer(Fake(http(400, {"error": error})))


def test_a_content_filter_is_a_rejection() -> None:
    with pytest.raises(RequestRejected, match="content filter"):
        answer(Fake(sse(said("", finish_reason="content_filter"))))


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_names_its_variable_and_never_the_key(status: int) -> None:
    fake = Fake(http(status, {"error": {"message": f"bad key {KEY}"}}))
    with pytest.raises(ConfigError, match=rf"\${KEY_ENV}") as caught:
        answer(fake)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "reply",
    [
        http(500, {"error": {"message": f"key {KEY} is tired"}}),
        http(200, f"<html>{KEY}</html>".encode(), "text/html"),
        sse({"error": f"key {KEY} is tired"}),
        sse(f"data: {KEY}\n\n"),
        sse({"detail": f"key {KEY} is tired"}),
        sse({"error": "x" * 290 + KEY}),
    ],
)
def test_a_quoted_key_is_blotted_out(reply: bytes) -> None:
    with pytest.raises(TransientModelError, match=r"\*\*\*") as caught:
        answer(Fake(reply))
    assert KEY[:5] not in str(caught.value)


def test_a_count_without_a_number_quotes_no_key() -> None:
    counts = iter([http(200, {"count": 9}), http(200, {"error": f"key {KEY} is tired"})])
    fake = Fake(counts=lambda: next(counts))
    with pytest.raises(TransientModelError, match=r"\*\*\*") as caught:
        with_model(fake, lambda model: model.count_tokens(ask().messages))
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("key", ["EMPTY", "token", "choices", "0"])
def test_a_key_that_is_a_common_word_changes_no_sample(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY_ENV, key)
    text = "SELECT EMPTY, token FROM choices LIMIT 10"
    usage = {"choices": [], "usage": used(3, prompt=10)}
    fake = Fake(sse(said(text), said("", finish_reason="stop"), usage))
    [completion] = answer(fake)
    assert (completion.text, completion.usage.prompt_tokens) == (text, 10)


def test_retry_after_is_handed_on() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    pauses = {"7": 7.0, "0.5": 0.5, "-3": 0.0, later: pytest.approx(59, abs=2), "soon": None}
    for asked, pause in pauses.items():
        with pytest.raises(TransientModelError) as caught:
            answer(Fake(http(429, {}, retry_after=asked)))
        assert caught.value.retry_after == pause


def test_a_lost_connection_is_transient() -> None:
    async def lose() -> None:
        async with Fake().serving() as address:
            model = await config(address).open()
        try:
            with pytest.raises(TransientModelError, match="connection failed"):
                await draw(model, ask())
        finally:
            await model.close()

    asyncio.run(lose())


def test_a_plain_reply() -> None:
    usage = used(3, prompt_tokens_details={"cached_tokens": 4})
    fake = Fake(sse(*WHOLE[:2], {"choices": [], "usage": usage}))
    [completion] = answer(fake)
    assert completion == Completion(
        text="Hello you",
        finish_reason="stop",
        usage=Usage(prompt_tokens=9, completion_tokens=3, cached_tokens=4),
        seed=100,
    )


def test_no_more_of_a_prompt_is_cached_than_it_has() -> None:
    usage = used(3, prompt_tokens_details={"cached_tokens": 16})
    [completion] = answer(Fake(sse(*WHOLE[:2], {"choices": [], "usage": usage})))
    assert completion.usage == Usage(prompt_tokens=9, completion_tokens=3, cached_tokens=9)


def test_a_stream_is_read_as_servers_write_it() -> None:
    odd = json.dumps(said("a\u2028b\x85c"), ensure_ascii=False)
    fake = Fake(
        sse(": ping\r\n\r\n", f"event: chunk\r\ndata:{odd}\r\n\r\n", *WHOLE[1:], end="data: [DONE]")
    )
    assert texts(answer(fake)) == ["a\u2028b\x85c you"]


def test_surrogates_are_joined_or_replaced() -> None:
    fake = Fake(sse(said("\ud83d"), said("\ude00 \ud83d"), *WHOLE[1:]))
    assert texts(answer(fake)) == ["😀 \ufffd you"]


@pytest.mark.parametrize(
    "events",
    [
        [{"choices": [{"index": 0, "delta": {"reasoning_content": "2 + 2"}}]}, said("4")],
        [{"choices": [{"index": 0, "delta": {"reasoning": "2 + 2", "content": None}}]}, said("4")],
        [said("\n<think>\n2 +"), said(" 2\n</think>\n\n4")],
    ],
)
def test_reasoning_is_kept_apart(events: list[Any]) -> None:
    end = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": used(5)}
    [completion] = answer(Fake(sse(*events, end)))
    assert (completion.reasoning, completion.text) == ("2 + 2", "4")


def test_vllm_counts_each_sample_when_asked_to() -> None:
    def reply(asked: Mapping[str, Any]) -> bytes:
        assert asked["n"] == 2
        assert asked["stream_options"]["continuous_usage_stats"] is True
        return sse(
            said("one", 1) | {"usage": used(1)},
            said("two", 0) | {"usage": used(1)},
            said(" more", 1, finish_reason="length") | {"usage": used(2)},
            said(" yet more", 0, finish_reason="stop") | {"usage": used(3)},
            {"choices": [], "usage": used(5)},
        )

    two, one = answer(Fake(reply), ask(n=2))
    assert (two.text, two.usage.completion_tokens, two.seed) == ("two yet more", 3, 100)
    assert (one.text, one.usage.completion_tokens, one.seed) == ("one more", 2, 101)


def test_llamacpp_counts_each_sample_after_it() -> None:
    reply = sse(
        said("one", 1, finish_reason="stop"),
        {"choices": [], "usage": used(2)},
        said("two", 0, finish_reason="stop"),
        {"choices": [], "usage": used(3)},
    )
    completions = answer(Fake(reply, engine="llamacpp"), ask(n=2), context=512)
    assert [c.usage.completion_tokens for c in completions] == [3, 2]


def test_a_total_over_samples_is_refused_with_the_remedy() -> None:
    finished = [said("a", index, finish_reason="stop") for index in range(2)]
    counted = [event | {"usage": used(5)} for event in finished]
    total = {"choices": [], "usage": used(5)}
    for events in (finished, counted):
        with pytest.raises(ConfigError, match="supports_n: false"):
            answer(Fake(sse(*events, total)), ask(n=2))


def test_a_server_that_counts_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="must report the tokens"):
        answer(Fake(sse(*WHOLE[:2])))


@pytest.mark.parametrize("fields", [{"supports_n": False}, {"engine": "someone"}], ids=str)
def test_samples_are_asked_for_one_by_one_where_only_totals_are_counted(
    fields: dict[str, Any],
) -> None:
    engine = fields.pop("engine", "vllm")
    fake = Fake(sse(*WHOLE), engine=engine)
    assert len(answer(fake, ask(n=3), context=512, **fields)) == 3
    assert sorted(body["seed"] for body in fake.chats) == [100, 101, 102]
    assert not any("n" in body for body in fake.chats)


def test_more_samples_than_its_concurrency_are_asked_for_in_parts() -> None:
    def reply(asked: Mapping[str, Any]) -> bytes:
        ends = [said("a", i, finish_reason="stop") for i in range(asked.get("n", 1))]
        return sse(*(end | {"usage": used(1)} for end in ends))

    fake = Fake(reply)
    assert len(answer(fake, ask(n=5), concurrency=2)) == 5
    assert sorted((body["seed"], body.get("n", 1)) for body in fake.chats) == [
        (100, 2),
        (102, 2),
        (104, 1),
    ]


@pytest.mark.parametrize(
    ("props", "together"),
    [
        (http(200, {"total_slots": 4}), 4),
        (http(200, {"total_slots": 64}), 32),
        (http(200, {}), 1),
        (http(200, []), 1),
        (http(403, {"error": "no such path"}), 1),
        (http(404, {"error": "no such path"}), 1),
        (b"", 8),
    ],
)
def test_no_request_is_for_more_samples_than_llamacpp_has_slots(
    props: bytes, together: int
) -> None:
    async def most(model: Model) -> int:
        return model.together

    fake = Fake(engine="llamacpp", props=props)
    assert with_model(fake, most, context=512) == together
    assert with_model(fake, most, context=512, supports_n=True) == together
    assert with_model(fake, most, context=512, supports_n=False) == 1


def test_temperature_zero_is_drawn_once() -> None:
    fake = Fake(sse(*WHOLE))
    completions = answer(fake, ask(n=3, temperature=0.0))
    assert texts(completions) == ["Hello you"] * 3
    assert len(fake.chats) == 1


def test_what_is_sent() -> None:
    fake = Fake(sse(*WHOLE))
    request = ask("Hi \ud83d", temperature=0.5, top_p=0.9, stop=("\n",))
    answer(
        fake,
        request,
        max_tokens_field="max_completion_tokens",
        extra_body={"chat_template_kwargs": {"enable_thinking": False}, "top_k": 5},
    )
    assert fake.chats == [
        {
            "model": NAME,
            "messages": [{"role": "user", "content": "Hi \ufffd"}],
            "stream": True,
            "stream_options": {"include_usage": True},
            "max_completion_tokens": 6,
            "temperature": 0.5,
            "top_p": 0.9,
            "seed": 100,
            "stop": ["\n"],
            "top_k": 5,
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "chat_template_kwargs": {"enable_thinking": False},
        }
    ]
    assert {headers["authorization"] for _, headers, _ in fake.asked} == {f"bearer {KEY}"}


def test_log_probabilities_are_asked_for_where_a_request_wants_them() -> None:
    token = {"token": "Hello you", "logprob": -0.5, "top_logprobs": []}
    told = said("Hello you", finish_reason="stop", logprobs={"content": [token]})
    fake = Fake(sse(told, {"choices": [], "usage": used(1)}))
    [completion] = answer(fake, ask(logprobs=4))
    assert completion.logprobs == ((("Hello you", -0.5),),)
    assert [(body["logprobs"], body["top_logprobs"]) for body in fake.chats] == [(True, 4)]


def test_a_server_that_tells_no_log_probabilities_is_refused() -> None:
    with pytest.raises(ConfigError, match="must give log probabilities"):
        answer(Fake(sse(*WHOLE)), ask(logprobs=1))


def test_connections_are_kept_unless_the_engine_hangs_up() -> None:
    kept = {}
    for engine in ("vllm", "llamacpp", "someone"):
        fake = Fake(sse(*WHOLE), engine=engine)
        answer(fake)
        [kept[engine]] = [
            h["connection"] for path, h, _ in fake.asked if path.endswith("/completions")
        ]
    assert kept == {"vllm": "keep-alive", "llamacpp": "close", "someone": "keep-alive"}


def test_vllm_counts_prompts_outside_of_the_version() -> None:
    fake = Fake()
    messages = ask("three small words").messages
    assert with_model(fake, lambda model: model.count_tokens(messages)) == 13
    assert [path for path, *_ in fake.asked] == ["/v1/models", "/tokenize", "/tokenize"]


def test_nobody_to_ask_leaves_an_upper_bound() -> None:
    fake = Fake(engine="someone")
    counted = with_model(fake, lambda model: model.count_tokens(ask("é" * 50).messages))
    assert 100 < counted < 300


def test_closing_hangs_up() -> None:
    async def leave() -> bool:
        fake = Fake(sse(said("Hello"), end=""), stays=True)
        fake.reply = fake.reply.replace(b"content-length: ", b"content-length: 9")  # type: ignore[union-attr]
        async with fake.serving() as address:
            model = await config(address).open()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(draw(model, ask()), 0.2)
            await asyncio.wait_for(fake.left.wait(), 5)
            await model.close()
        return fake.left.is_set()

    assert asyncio.run(leave())


def test_a_reply_is_not_held_up_by_a_connection_that_stays_open() -> None:
    reply = sse(*WHOLE).replace(b"content-length: ", b"content-length: 9")
    assert texts(answer(Fake(reply, stays=True))) == ["Hello you"]


# -- Opening.


def test_an_absent_server_is_named_with_the_remedy() -> None:
    with pytest.raises(ConfigError, match=r"127\.0\.0\.1:9/v1 does not .*; start it"):
        asyncio.run(config("http://127.0.0.1:9/v1").open())


def test_an_unknown_served_name_meets_the_nearest() -> None:
    fake = Fake()

    async def run() -> None:
        async with fake.serving() as address:
            await ServerConfig(base_url=address, model="smolm2").open()

    with pytest.raises(UnknownName, match="did you mean 'smollm2'"):
        asyncio.run(run())


def test_the_context_must_be_known() -> None:
    for models in (http(404, {}), http(200, {"data": None}), http(200, {"data": [{"id": NAME}]})):
        with pytest.raises(ConfigError, match="type `context:` in"):
            answer(Fake(models=models))
        assert texts(answer(Fake(sse(*WHOLE), models=models), context=100)) == ["Hello you"]


def test_the_smaller_context_counts() -> None:
    async def context(model: Model) -> int:
        return model.context

    assert with_model(Fake(), context) == 512
    assert with_model(Fake(), context, context=100) == 100
    assert with_model(Fake(), context, context=1000) == 512


def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY_ENV)
    with pytest.raises(ConfigError, match=f"{KEY_ENV} is not set"):
        asyncio.run(config("http://127.0.0.1:9/v1").open())
    monkeypatch.setenv(KEY_ENV, "sk-ü\n2")
    with pytest.raises(ConfigError, match=f"{KEY_ENV} is malformed") as caught:
        asyncio.run(config("http://127.0.0.1:9/v1").open())
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"base_url": "localhost:8000"}, "an address such as"),
        ({"base_url": "http://me:secret@host/v1"}, "no credentials"),
        ({"extra_body": {"seed": 1, "n": 2}}, "must not set n, seed"),
        ({"extra_body": {"logprobs": True}}, "must not set logprobs"),
        ({"key": "sk-1"}, "unknown key 'key'"),
        ({"shape": SHAPE, "shape_from": "config.json"}, "either shape or shape_from"),
    ],
    ids=str,
)
def test_a_senseless_config_is_refused(fields: dict[str, Any], message: str) -> None:
    data = {"base_url": "http://host/v1", "model": NAME, **fields}
    with pytest.raises(ConfigError, match=message):
        validate(ServerConfig, data, where="models.big")


def test_identity_tells_apart_what_may_answer_differently() -> None:
    changes: list[dict[str, Any]] = [
        {},
        {"revision": "abc"},
        {"quantization": "awq"},
        {"extra_body": {"top_k": 5}},
    ]

    async def identity(model: Model) -> str:
        return model.identity

    identities = [with_model(Fake(), identity, **change) for change in changes]
    assert len(set(identities)) == len(changes)
    assert with_model(Fake(), identity, concurrency=4, context=100) == identities[0]


def test_a_shape_is_read_from_a_file(tmp_path: Path) -> None:
    llama = {
        "model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "vocab_size": 100,
        "num_attention_heads": 4, "intermediate_size": 128,
    }  # fmt: skip
    file = tmp_path / "config.json"
    file.write_text(json.dumps(llama))
    shape = config("http://host/v1", shape_from=str(file)).known_shape()
    assert shape is not None
    assert shape.hidden == 64
    with pytest.raises(ConfigError, match="a GGUF model must be a file"):
        config("http://host/v1", shape_from="absent.gguf").known_shape()
