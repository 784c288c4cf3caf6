"""The nouns of archsearch: what flows between rooms. Frozen, slotted, without behaviour of note.

A `Question` becomes a `Slate`; layers ask models for `Completion`s through `Request`s and leave
`Candidate`s on new slates; a benchmark turns the first candidate into a `Score`, or the walk ended
in a `Failure`. `Cost` is what it took.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Self, TypeVar

Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length"]
FailureKind = Literal["model", "layer", "sandbox", "missing"]
"""`missing`: a replay lacks a sample."""
TestKind = Literal["statement", "program"]
"""A unit test is a statement in natural language that a model judges, or a program to be run."""

C = TypeVar("C", bound="Cost")

MOST_LOGPROBS = 20
"""Most likeliest tokens that one request may ask for at each position; engines allow no more."""
Logprobs = tuple[tuple[tuple[str, float], ...], ...]
"""For each token drawn, (text, natural logarithm of its probability), first of itself and then of
the likeliest others; of the model's own distribution, before temperature."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One turn of a chat."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked. It never carries the reference answer."""

    id: str
    """Unique within its benchmark, and stable: splits and samples hang on it."""
    messages: tuple[Message, ...]
    """The conversation; the last message is the user's."""
    answer_kind: str = "text"
    """How a final answer is read off a reply: a name in `answers.EXTRACTORS`."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Public facts about the question (subject, level); layers may read them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The reference. Only a benchmark and its scorer ever hold one."""

    question_id: str
    reference: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one completion. The prompt is counted whole, whatever the engine had cached."""

    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int = 0
    """Prompt tokens that the engine says it did not prefill: a remark, never charged by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a layer asks of a model: `n` samples of one prompt."""

    model: str
    """A name from the study's `models`."""
    messages: tuple[Message, ...]
    max_tokens: int
    """Most tokens in one completion, >= 1; 0 when scoring."""
    role: str = ""
    """What the call is for, as in `PlannedCall.role`. No part of the sample's identity."""
    n: int = 1
    temperature: float = 0.0
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    logprobs: int = 0
    """How many of the likeliest tokens to tell the probabilities of at each position, at most
    `MOST_LOGPROBS`; 0 for none."""
    scoring: bool = False
    """Asks a reward model for its score of the last message, the assistant's, instead of a text."""
    seed: int | None = None
    """Seed of the first sample; sample i uses seed + i. Set by `calls`, never by a layer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """One sample drawn from a model."""

    text: str
    finish_reason: FinishReason
    """`length`: cut at max_tokens or at the end of the context; still a valid sample."""
    usage: Usage
    seed: int
    reasoning: str = ""
    """Thinking text, kept apart: charged, not forwarded to later layers unless asked."""
    logprobs: Logprobs | None = None
    """Where the request asked for them."""
    score: float | None = None
    """A reward model's, for a request that is scoring; higher is better, on the model's own scale.
    The text is blank then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a candidate comes from."""

    model: str
    path: str
    """Layer path, such as `0.generator` or `2.fuser/1`."""
    index: int
    """Sample index within its request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One answer on its way, with everything that later layers say about *it*."""

    text: str
    origin: Origin
    critique: str | None = None
    score: float | None = None
    """Higher is better; comparable only between candidates scored by the same layer."""
    verdict: bool | None = None
    """What a verifier concluded."""
    passed: tuple[bool | None, ...] | None = None
    """Beside each of the slate's unit tests whether it passes; None where nobody could say."""

    def with_score(self, score: float | None) -> Candidate:
        """The same candidate with this score."""
        # Spelled out, as it is on the hot path and `replace` takes four times as long.
        return Candidate(
            text=self.text,
            origin=self.origin,
            critique=self.critique,
            score=score,
            verdict=self.verdict,
            passed=self.passed,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitTest:
    """What a good answer must fulfil."""

    text: str
    kind: TestKind = "statement"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fallback:
    """A stated way out that a layer took, such as keeping the order on an unparsable ranking."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slate:
    """What flows between layers. Immutable: a layer returns a new one."""

    question: Question
    candidates: tuple[Candidate, ...] = ()
    """Best first where a layer ranked them; the first of the final slate is the answer."""
    unit_tests: tuple[UnitTest, ...] = ()
    fallbacks: tuple[Fallback, ...] = ()

    def with_candidates(self, candidates: tuple[Candidate, ...]) -> Slate:
        """The same slate holding `candidates` instead."""
        # Spelled out, as `Candidate.with_score` is; so is the next one.
        return Slate(
            question=self.question,
            candidates=candidates,
            unit_tests=self.unit_tests,
            fallbacks=self.fallbacks,
        )

    def noting(self, *fallbacks: Fallback) -> Slate:
        """The same slate with `fallbacks` added to its record."""
        if not fallbacks:
            return self
        return Slate(
            question=self.question,
            candidates=self.candidates,
            unit_tests=self.unit_tests,
            fallbacks=(*self.fallbacks, *fallbacks),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a benchmark says of one answer."""

    value: float
    """In [0, 1]."""
    answer: str | None = None
    """The answer as extracted; None when the reply held none."""
    malformed: bool = False
    """No answer could be read off the reply: scores 0, and is counted apart from a wrong one."""
    explanation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A question that could not be scored. Never a 0: it is attempted again."""

    kind: FailureKind
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What something takes. Costs of one kind add up; kinds mix where `beside` says so, only.

    >>> Measured(flops=2.0, calls=1) + Measured(flops=3.0, calls=1) == Measured(flops=5.0, calls=2)
    True
    """

    flops: float = 0.0
    prompt_tokens: float = 0
    """One count per distinct prompt per question."""
    completion_tokens: float = 0
    calls: float = 0
    """Completions, not HTTP requests."""
    dollars: float = 0.0
    cpu_seconds: float = 0.0
    """Of programs run in the sandbox."""

    def __add__(self, other: Self) -> Self:
        return total(type(self), (self, other))

    def beside(self, other: Cost) -> Self:
        """Adds a cost of another kind; the sum is told as one of this kind.

        >>> UpperBound(flops=2.0).beside(Measured(flops=3.0)) == UpperBound(flops=5.0)
        True
        """
        return type(self)(
            **{f.name: getattr(self, f.name) + getattr(other, f.name) for f in fields(self)}
        )

    def scaled(self, factor: float) -> Self:
        """`factor` times this cost."""
        return type(self)(**{f.name: getattr(self, f.name) * factor for f in fields(self)})


def total(kind: type[C], costs: Iterable[C]) -> C:
    """The sum of costs of one kind."""
    flops = dollars = prompt_tokens = completion_tokens = calls = cpu_seconds = 0.0
    for cost in costs:
        if type(cost) is not kind:
            raise TypeError(f"cannot add {type(cost).__name__} to {kind.__name__}")
        flops += cost.flops
        prompt_tokens += cost.prompt_tokens
        completion_tokens += cost.completion_tokens
        calls += cost.calls
        dollars += cost.dollars
        cpu_seconds += cost.cpu_seconds
    return kind(
        flops=flops,
        prompt_tokens=prompt_tokens,
        completion_tokens=completion_tokens,
        calls=calls,
        dollars=dollars,
        cpu_seconds=cpu_seconds,
    )


class Measured(Cost):
    """Counted from the tokens that were really there."""

    __slots__ = ()


class Expected(Cost):
    """Foreseen from the lengths seen so far."""

    __slots__ = ()


class UpperBound(Cost):
    """Never exceeded: every cap filled to the last token."""

    __slots__ = ()
