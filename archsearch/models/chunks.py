"""How a streamed reply is read: the chunks that llama.cpp and OpenAI-compatible servers send.

Nothing in a reply is taken on trust. What it lacks or gets wrong is a `TransientModelError`, since
proxies and overloaded servers answer 200 with error bodies, no choices, or half a stream.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from archsearch.errors import ConfigError, ModelError, RequestRejected, TransientModelError
from archsearch.models.drawing import encodable
from archsearch.types import Completion, FinishReason, Logprobs, Usage

REFUSALS = frozenset({400, 404, 405, 413, 422})
"""HTTP statuses with which a server refuses the request itself."""

OVERLOADS = frozenset({408, 429, 503, 504, 529})
"""HTTP statuses with which a server says that it is asked too much at once."""

_EXCERPT = 300
"""Characters of a bad reply that an error message shows."""

_ROUNDED = 0.01
"""How far above 0 a logarithm of a probability may come out: half precision rounds."""


def failure(status: object, message: str, *, retry_after: float | None = None) -> ModelError:
    """The error that an HTTP status, or the code in an error body, stands for."""
    if status in REFUSALS:
        return RequestRejected(f"the model refused the request ({status}): {message}")
    return TransientModelError(
        f"the model failed ({status}): {message}",
        retry_after=retry_after,
        overload=status in OVERLOADS,
    )


def excerpt(value: object) -> str:
    """The beginning of `value`, for an error message."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _EXCERPT else f"{text[:_EXCERPT]}..."


def raise_error_in(body: object, quoted: Callable[[object], str] = excerpt) -> None:
    """Raises what an error body says, as `quoted` shows it; any other body passes."""
    if not isinstance(body, Mapping):
        return
    error = body if body.get("object") == "error" else body.get("error")
    if isinstance(error, Mapping):
        raise failure(error.get("code", "error"), quoted(error.get("message", error)))
    if error:
        raise failure("error", quoted(error))


def choices_in(
    chunk: object, quoted: Callable[[object], str] = excerpt
) -> tuple[Mapping[str, Any], list[Any]]:
    """A chunk and its choices; raises what is wrong with one that has none."""
    raise_error_in(chunk, quoted)
    choices = chunk.get("choices") if isinstance(chunk, Mapping) else None
    if not isinstance(chunk, Mapping) or not isinstance(choices, list):
        raise TransientModelError(f"a reply must hold a list of choices; received {quoted(chunk)}")
    return chunk, choices


def split_thinking(text: str, *, opened: bool) -> tuple[str, str]:
    """(reasoning, answer) of a text that may begin with a `<think>` block.

    `opened` says that the prompt itself ended with `<think>`. A block that is never closed is
    reasoning to its end.

    >>> split_thinking("<think>2 + 2</think> 4", opened=False)
    ('2 + 2', '4')
    >>> split_thinking("Say <think>.", opened=False)
    ('', 'Say <think>.')
    """
    start = text.lstrip()
    if not (opened or start.startswith("<think>")):
        return "", text
    reasoning, _, answer = start.removeprefix("<think>").partition("</think>")
    return reasoning.strip(), answer.lstrip()


@dataclass(slots=True)
class _Sample:
    """A choice on its way."""

    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    logprobs: list[tuple[tuple[str, float], ...]] = field(default_factory=list)
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    given: bool = False


class Assembly:
    """Puts the chunks of one reply together; gives each sample once its tokens are known.

    Two ways to count are understood: usage beside a choice's finish reason (llama.cpp's plain
    completions; vLLM with `continuous_usage_stats`), and usage by itself after the one choice
    that it is about (llama.cpp's chat; anyone for n = 1). A total over several choices is not
    enough, since each sample is stored and charged by itself.
    """

    def __init__(
        self, *, n: int, seed: int, thinking: bool = False, logprobs: bool = False
    ) -> None:
        """`thinking`: the prompt ended with an open `<think>`; `logprobs`: they were asked for."""
        self._samples = [_Sample() for _ in range(n)]
        self._seed = seed
        self._thinking = thinking
        self._logprobs = logprobs

    def feed(self, chunk: object) -> list[tuple[int, Completion]]:
        """The samples that `chunk` completes."""
        whole, choices = choices_in(chunk)
        extended = [self._extend(choice) for choice in choices]
        if whole.get("usage") is not None:
            self._count(_usage(whole["usage"]), extended)
        return list(self._completed())

    def lack(self) -> ConfigError | ModelError | None:
        """What is wrong with a stream that ends here, if anything is."""
        missing = [sample for sample in self._samples if not sample.given]
        if not missing:
            return None
        if all(sample.finish_reason for sample in missing):
            return ConfigError(
                "a server must report the tokens of a streamed reply "
                "(`stream_options: {include_usage: true}`); this one did not; update it, or use "
                "another server or back-end"
            )
        return TransientModelError(
            f"the reply ended early: {len(missing)} of {len(self._samples)} samples are not whole"
        )

    def _extend(self, choice: object) -> _Sample:
        if not isinstance(choice, Mapping):
            raise _invalid("must hold choices that are mappings", choice)
        index = choice.get("index")
        if type(index) is not int or not 0 <= index < len(self._samples):
            raise _invalid(f"must number its choices from 0 to {len(self._samples) - 1}", choice)
        sample = self._samples[index]
        said = choice.get("delta", choice)  # a chat nests what a plain completion does not
        if not isinstance(said, Mapping):
            raise _invalid("must hold deltas that are mappings", choice)
        sample.text.append(_text(said, "content", "text"))
        sample.reasoning.append(_text(said, "reasoning_content", "reasoning"))
        if self._logprobs:
            sample.logprobs += _positions(choice.get("logprobs"))
        if choice.get("finish_reason") is not None:
            sample.finish_reason = _finish_reason(choice["finish_reason"])
        return sample

    def _count(self, usage: Usage, extended: Sequence[_Sample]) -> None:
        """Gives `usage` to the sample that it is about."""
        if len(extended) == 1:
            if extended[0].finish_reason:  # before that it is a running count
                extended[0].usage = usage
            return
        uncounted = [s for s in self._samples if s.finish_reason and not s.usage]
        if len(uncounted) == 1:
            uncounted[0].usage = usage
        elif uncounted or self._disagrees(usage):
            raise ConfigError(
                "a server asked for several samples must count the tokens of each; this one gave "
                f"a total for {len(self._samples)}; set `supports_n: false` on the model"
            )

    def _disagrees(self, total: Usage) -> bool:
        """Whether several are counted, all of them, and do not add up to their total."""
        counts = [sample.usage.completion_tokens for sample in self._samples if sample.usage]
        return 1 < len(counts) == len(self._samples) and sum(counts) != total.completion_tokens

    def _completed(self) -> Iterator[tuple[int, Completion]]:
        for index, sample in enumerate(self._samples):
            if sample.finish_reason and sample.usage and not sample.given:
                sample.given = True
                text = encodable("".join(sample.text))
                reasoning = encodable("".join(sample.reasoning))
                logprobs = self._told(sample, text or reasoning)
                if not reasoning:
                    reasoning, text = split_thinking(text, opened=self._thinking)
                yield (
                    index,
                    Completion(
                        text=text,
                        reasoning=reasoning,
                        finish_reason=sample.finish_reason,
                        usage=sample.usage,
                        seed=self._seed + index,
                        logprobs=logprobs,
                    ),
                )

    def _told(self, sample: _Sample, text: str) -> Logprobs | None:
        """The log probabilities of a sample that said `text`, if they were asked for."""
        if not self._logprobs:
            return None
        if text and not sample.logprobs:
            raise ConfigError(
                "a server must give log probabilities where a layer needs them "
                "(`logprobs`, `top_logprobs`); this one gave none; use another server, back-end "
                "or layer"
            )
        return tuple(sample.logprobs)


def _invalid(rule: str, received: object) -> TransientModelError:
    return TransientModelError(f"a reply {rule}; received {excerpt(received)}")


def _text(said: Mapping[str, Any], *names: str) -> str:
    """The first of `names` that is set."""
    for name in names:
        value = said.get(name)
        if isinstance(value, str):
            return value
        if value is not None:
            raise _invalid(f"must hold text as `{name}`", said)
    return ""


def _positions(logprobs: object) -> Iterator[tuple[tuple[str, float], ...]]:
    """What a chunk tells of each of its tokens: itself first, then the likeliest others.

    Servers count the token itself among the likeliest, where it is one of them. llama.cpp writes
    it there by its own text; in front it gives what the token let through, which is nothing while
    a stop string may have begun, and all that was held back afterwards.
    """
    if logprobs is None:
        return
    content = logprobs.get("content", []) if isinstance(logprobs, Mapping) else logprobs
    if content is None:
        return
    if not isinstance(content, list):
        raise _invalid("must list the log probabilities of its tokens", logprobs)
    for token in content:
        drawn = _likelihood(token)
        likeliest = token.get("top_logprobs")
        if not isinstance(likeliest, list):
            raise _invalid("must list the likeliest tokens as `top_logprobs`", token)
        itself = next((other for other in likeliest if _same(token, other)), token)
        others = [_likelihood(other) for other in likeliest if other is not itself]
        others.sort(key=lambda other: -other[1])
        yield ((_likelihood(itself)[0], drawn[1]), *others)


def _same(token: Mapping[str, Any], other: object) -> bool:
    """Whether `other` is the same token: of one id where ids are told, else of one text."""
    if not isinstance(other, Mapping):
        raise _invalid("must hold likeliest tokens that are mappings", token)
    names = ("id",) if "id" in token else ("token", "bytes")
    return all(token.get(name) == other.get(name) for name in names)


def _likelihood(token: object) -> tuple[str, float]:
    """A token's text and the natural logarithm of its probability."""
    if not isinstance(token, Mapping) or not isinstance(token.get("token"), str):
        raise _invalid("must hold the text of a token with its log probability", token)
    value = token.get("logprob")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _invalid("must hold a log probability that is a number", token)
    if not (isfinite(value) and value <= _ROUNDED):
        raise _invalid("must hold log probabilities that are finite and at most 0", token)
    return encodable(token["token"]), min(0.0, float(value))


def _finish_reason(reason: object) -> FinishReason:
    if reason == "stop":
        return "stop"
    if reason == "length":
        return "length"
    if reason == "content_filter":
        raise RequestRejected("the server's content filter refused the request")
    raise _invalid("must finish for `stop` or `length`", reason)


def _usage(counts: object) -> Usage:
    if not isinstance(counts, Mapping):
        raise _invalid("must hold usage as a mapping", counts)
    details = counts.get("prompt_tokens_details")
    cached = details.get("cached_tokens") if isinstance(details, Mapping) else None
    prompt = _tokens(counts.get("prompt_tokens"), counts)
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=_tokens(counts.get("completion_tokens"), counts),
        # Told more than the prompt has, by a cache in whole blocks say, FLOPs would turn negative.
        cached_tokens=min(_tokens(cached or 0, counts), prompt),
    )


def _tokens(count: object, counts: object) -> int:
    if type(count) is not int or count < 0:
        raise _invalid("must count tokens in whole numbers", counts)
    return count
