"""Replies put together from chunks: the log probabilities. The rest is tested through `server`."""

from __future__ import annotations

from math import inf, nan
from typing import Any

import pytest

from archsearch.errors import ConfigError, TransientModelError
from archsearch.models.chunks import Assembly
from archsearch.types import Completion, Logprobs

USAGE = {"prompt_tokens": 9, "completion_tokens": 2}
END = {"index": 0, "delta": {}, "finish_reason": "stop"}


def token(text: str, logprob: float, *likeliest: Any, **more: Any) -> dict[str, Any]:
    """A token as OpenAI's format has it; llama.cpp adds ids."""
    bytes_ = list(text.encode())
    return {"token": text, "bytes": bytes_, "logprob": logprob, "top_logprobs": [*likeliest]} | more


def said(text: str, *tokens: Any, index: int = 0, **choice: Any) -> dict[str, Any]:
    delta = {"index": index, "delta": {"content": text}, "logprobs": {"content": [*tokens]}}
    return {"choices": [delta | choice]}


def put_together(*chunks: Any, asked: bool = True) -> Completion:
    assembly = Assembly(n=1, seed=1, logprobs=asked)
    given = [sample for chunk in (*chunks, {"choices": [END], "usage": USAGE}) for sample in
             assembly.feed(chunk)]  # fmt: skip
    [(_, completion)] = given
    return completion


def told(*tokens: Any) -> Logprobs | None:
    return put_together(said("Hi", *tokens)).logprobs


def test_they_are_gathered_over_chunks() -> None:
    completion = put_together(
        said("He", token("He", -0.5, token("He", -0.5), token("I", -1.5))),
        said("llo", token("l", -0.1, token("l", -0.1)), token("lo", -2, token("x", -0.2))),
    )
    assert completion.text == "Hello"
    assert completion.logprobs == (
        (("He", -0.5), ("I", -1.5)),
        (("l", -0.1),),
        (("lo", -2.0), ("x", -0.2)),
    )


def test_samples_have_their_own() -> None:
    assembly = Assembly(n=2, seed=1, logprobs=True)
    assembly.feed(said("b", token("b", -2.0), index=1))
    assembly.feed(said("a", token("a", -1.0), index=0))
    ends = [END | {"index": index} for index in (0, 1)]
    given = [s for end in ends for s in assembly.feed({"choices": [end], "usage": USAGE})]
    assert [completion.logprobs for _, completion in given] == [
        ((("a", -1.0),),),
        ((("b", -2.0),),),
    ]


def test_the_likeliest_come_in_order_without_the_token_itself() -> None:
    assert told(token("b", -2, token("a", -1), token("b", -2), token("c", -1.5))) == (
        (("b", -2.0), ("a", -1.0), ("c", -1.5)),
    )
    twins = [token("\ufffd", -1, bytes=[1]), token("\ufffd", -2, bytes=[2])]
    assert told(token("\ufffd", -2, *twins, bytes=[2])) == ((("\ufffd", -2.0), ("\ufffd", -1.0)),)


def test_llamacpp_holds_text_back_and_names_tokens_by_id() -> None:
    likeliest = [token(" any", -1, id=7), token(" all", -2, id=8)]
    assert told(token(" help with any", -1, *likeliest, id=7)) == (
        ((" any", -1.0), (" all", -2.0)),
    )
    assert told(token("", -3, *likeliest, id=9)) == ((("", -3.0), (" any", -1.0), (" all", -2.0)),)


def test_half_precision_may_round_above_zero() -> None:
    assert told(token("a", 0.004)) == ((("a", 0.0),),)


def test_surrogates_are_replaced() -> None:
    lone = {"token": "\ud83d", "logprob": -1, "top_logprobs": []}
    assert told(lone) == ((("\ufffd", -1.0),),)


def test_they_are_left_out_unless_asked_for() -> None:
    assert put_together(said("Hi", token("Hi", -1)), asked=False).logprobs is None


def test_a_reply_without_tokens_has_none() -> None:
    assert put_together().logprobs == ()


@pytest.mark.parametrize("logprobs", [None, {}, {"content": None}, {"content": []}], ids=str)
def test_what_was_asked_for_and_is_absent_is_told_with_the_remedy(logprobs: Any) -> None:
    with pytest.raises(ConfigError, match=r"must give log probabilities.*another server"):
        put_together(said("Hi", logprobs=logprobs))


@pytest.mark.parametrize(
    "logprobs",
    [
        "-1",
        [-1],
        {"content": "-1"},
        {"content": [None]},
        {"content": [{"token": 5, "logprob": -1, "top_logprobs": []}]},
        {"content": [{"logprob": -1, "top_logprobs": []}]},
        {"content": [{"token": "a", "top_logprobs": []}]},
        {"content": [{"token": "a", "logprob": -1}]},
        {"content": [token("a", -1, None)]},
        {"content": [token("a", -1, {"token": "b"})]},
        *({"content": [token("a", bad)]} for bad in ("-1", None, True, 0.5, nan, inf, -inf)),  # type: ignore[arg-type]
    ],
    ids=str,
)
def test_malformed_ones_are_transient(logprobs: Any) -> None:
    with pytest.raises(TransientModelError, match="a reply must"):
        put_together(said("Hi", logprobs=logprobs))
