"""Forecast: what an architecture will cost per question, before a token is drawn."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from archsearch.architecture import Architecture
from archsearch.cost import Tariffs, Used, planned, upper_bound
from archsearch.dispatch import Dispatcher
from archsearch.errors import ConfigError, PromptTooLong, UnknownName
from archsearch.layer import PlannedCall
from archsearch.search.lengths import Lengths
from archsearch.types import Expected, Message, Question, UpperBound, total

COUNTED = 64
"""Questions whose prompt length is counted; their mean stands for all."""


def check_contexts(architecture: Architecture, contexts: Mapping[str, int | None]) -> None:
    """Raises `ConfigError` where a call may not fit the context of its model, as far as known."""
    for call in architecture.plan:
        context = contexts[call.model]
        if context is not None and call.max_prompt_tokens + call.max_tokens > context:
            raise ConfigError(
                f"max_prompt_tokens + max_tokens must fit the context of {call.model!r} "
                f"({context} tokens); received {call.max_prompt_tokens} + {call.max_tokens} at "
                f"{call.role.split('/')[0]}; lower one, or raise models.{call.model}.context"
            )


class Forecast:
    """Expected cost and upper bound of architectures on the questions of one search."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        tariffs: Tariffs,
        questions: Sequence[Question],
    ) -> None:
        self._models, self._count = dispatcher.models, dispatcher.count_tokens
        self._tariffs, self._lengths = tariffs, Lengths()
        self._questions = questions[:COUNTED]
        self._question_tokens: dict[str, float] = {}
        self._framed_tokens: dict[tuple[str, str], int] = {}

    def check(self, architecture: Architecture) -> None:
        """Raises `ConfigError` when a model is unknown, or its context too short for a call."""
        for call in architecture.plan:
            if call.model not in self._models:
                raise UnknownName("model", call.model, self._models)
            self._check_kind(call)
        check_contexts(architecture, {name: model.context for name, model in self._models.items()})

    async def check_prompts(self, architecture: Architecture) -> None:
        """Raises `PromptTooLong` when a layer's own words alone fill its prompts."""
        for call in architecture.plan:
            if not call.scoring and await self._framed(call) > call.max_prompt_tokens:
                raise PromptTooLong(call.max_prompt_tokens, call.role.split("/")[0])

    def _check_kind(self, call: PlannedCall) -> None:
        if call.scoring != self._models[call.model].scores:
            is_one, wanted = ("a reward model", "texts") if not call.scoring else ("none", "scores")
            raise ConfigError(
                f"{call.role.split('/')[0]} needs {wanted}, and {call.model!r} is {is_one}; "
                f"name another model there"
            )

    def upper_bound(self, architecture: Architecture) -> UpperBound:
        """Per question; never exceeded."""
        return upper_bound(architecture.plan, self._tariffs)

    async def expected(self, architecture: Architecture) -> Expected:
        """Per question on average, from the lengths seen so far."""
        return total(Expected, [await self._call(call) for call in architecture.plan])

    async def learn(self, architecture: Architecture, used: Iterable[Used]) -> None:
        """Learns from what one question used."""
        calls = tuple(used)
        self._lengths.observe(calls)
        alike = defaultdict(list)
        for call in architecture.plan:
            alike[call.model, call.role].append((call, await self._prompt_tokens(call)))
        for planned_calls in alike.values():
            self._lengths.observe_prompts(planned_calls, calls)

    async def _call(self, call: PlannedCall) -> Expected:
        prompt = await self._prompt_tokens(call) * self._lengths.fill(call)
        cost = planned(
            Expected,
            call,
            self._tariffs[call.model],
            min(prompt, call.max_prompt_tokens),
            self._lengths.tokens(call),
            samples=self._lengths.drawn(call),
        )
        return cost.scaled(self._lengths.uptake(call))

    async def _prompt_tokens(self, call: PlannedCall) -> float:
        # A quoted completion leaves its end-of-text token behind.
        quoted = sum(
            count * max(0.0, self._lengths.tokens(source) - 1) for source, count in call.quotes
        )
        return await self._question(call.model) + await self._frame(call) + quoted

    async def _question(self, model: str) -> float:
        if model not in self._question_tokens:
            counts = [await self._count(model, q.messages) for q in self._questions]
            self._question_tokens[model] = sum(counts) / len(counts)
        return self._question_tokens[model]

    async def _frame(self, call: PlannedCall) -> int:
        """Tokens that the layer's template adds to the question's own prompt."""
        blank = replace(call, frame="")
        return await self._framed(call) - await self._framed(blank)

    async def _framed(self, call: PlannedCall) -> int:
        """Tokens of a prompt that is nothing but the template."""
        key = call.model, call.frame
        if key not in self._framed_tokens:
            messages = [Message(role="user", content=call.frame)]
            self._framed_tokens[key] = await self._count(call.model, messages)
        return self._framed_tokens[key]
