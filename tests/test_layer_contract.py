"""The contract must tell a faulty layer from a sound one: each fault here breaks one promise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Literal, Self

import pytest

from archsearch.layer import Calls, Facet, Layer, Outline, PlannedCall
from archsearch.layers.critic import Critic
from archsearch.layers.fuser import Fuser
from archsearch.layers.ranker import Ranker
from archsearch.program import Program
from archsearch.testing.layer_contract import LayerContract
from archsearch.testing.malformed import malformed
from archsearch.types import Candidate, Message, Request, Slate


class Dummy(Layer):
    """Keeps everything as it is, and promises no more than that."""

    type: Literal["dummy"] = "dummy"

    def leaves(self, given: Outline) -> Outline:
        return given

    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        return slate.with_candidates(self.kept(slate.candidates))

    def kept(self, candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        return candidates


class Empties(Dummy):
    def kept(self, candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        return ()


class Doubles(Dummy):
    def kept(self, candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        return candidates[:1] * 2


class Rewrites(Dummy):
    def kept(self, candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        return tuple(replace(candidate, text=candidate.text.strip(".")) for candidate in candidates)


class ClaimsScores(Dummy):
    def leaves(self, given: Outline) -> Outline:
        return replace(given, facets=given.facets | {Facet.SCORES})


class ClaimsToCut(Dummy):
    def leaves(self, given: Outline) -> Outline:
        return replace(given, candidates=1)


class NeedsTwo(Dummy):
    def kept(self, candidates: tuple[Candidate, ...]) -> tuple[Candidate, ...]:
        return (candidates[1], candidates[0], *candidates[2:])


class NeverSettles(Dummy):
    turns: int = 0

    def canonical(self, given: Outline) -> Self:
        return self.model_copy(update={"turns": self.turns + 1})


class Unplanned(Critic):
    def plan(self, given: Outline) -> tuple[PlannedCall, ...]:
        return ()


class PlansTooFew(Fuser):
    def plan(self, given: Outline) -> tuple[PlannedCall, ...]:
        return tuple(replace(call, samples=1) for call in super().plan(given))


class PlansWithoutQuotes(Ranker):
    def plan(self, given: Outline) -> tuple[PlannedCall, ...]:
        return tuple(replace(call, quotes=()) for call in super().plan(given))


class Unclipped(Dummy):
    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        text = " ".join(candidate.text for candidate in slate.candidates)
        messages = (Message(role="user", content=text),)
        await calls.complete(Request(model="m", role="dummy", messages=messages, max_tokens=9))
        return slate

    def models(self) -> frozenset[str]:
        return frozenset({"m"})

    def plan(self, given: Outline) -> tuple[PlannedCall, ...]:
        return (PlannedCall(model="m", role="dummy", max_prompt_tokens=100, max_tokens=9),)


class RunsAnew(Dummy):
    """A program of its own each time: a replay would lack it."""

    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        await calls.execute(Program(source=f"print({next(COUNT)})"))
        return slate


class HangsOnTime(Dummy):
    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        execution = await calls.execute(Program(source="print(1)"))
        score = execution.seconds + next(COUNT)
        return slate.with_candidates(tuple(replace(c, score=score) for c in slate.candidates))


class Silent(Critic):
    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        return replace(await super().__call__(slate, calls), fallbacks=())


class Crashes(Critic):
    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        left = await super().__call__(slate, calls)
        if left.fallbacks:
            raise ValueError("unparsable reply")
        return left


COUNT = count()
Check = Callable[[LayerContract], None]
LONE: Check = lambda c: c.test_takes_a_lone_candidate_and_equal_ones(("7",))  # noqa: E731


@pytest.mark.parametrize(
    ("faulty", "check"),
    [
        (Empties(), LayerContract.test_leaves_what_it_says),
        (Doubles(), LayerContract.test_leaves_what_it_says),
        (Rewrites(), LayerContract.test_leaves_what_it_says),
        (ClaimsScores(), LayerContract.test_leaves_what_it_says),
        (ClaimsToCut(), LayerContract.test_leaves_what_it_says),
        (NeedsTwo(), LONE),
        (NeverSettles(), LayerContract.test_canonical_form_is_one_and_does_the_same),
        (Unplanned(model="m"), LayerContract.test_leaves_what_it_says),
        (Unplanned(model="m"), LayerContract.test_plans_only_calls_to_its_models),
        (PlansTooFew(model="m", samples=2), LayerContract.test_leaves_what_it_says),
        (
            PlansWithoutQuotes(model="m"),
            LayerContract.test_foresees_the_length_of_its_prompts,
        ),
        (Unclipped(), LayerContract.test_keeps_prompts_under_their_cap),
        (RunsAnew(), LayerContract.test_what_ran_once_need_not_run_again),
        (HangsOnTime(), LayerContract.test_what_ran_once_need_not_run_again),
        (Silent(model="m"), LayerContract.test_survives_malformed_replies),
        (Crashes(model="m"), LayerContract.test_survives_malformed_replies),
    ],
)
def test_a_faulty_layer_is_caught(faulty: Layer, check: Check) -> None:
    class Contract(LayerContract):
        layer = faulty
        parses_replies = True

    with pytest.raises((AssertionError, IndexError, ValueError)):
        check(Contract())


def test_a_layer_that_does_nothing_keeps_the_contract() -> None:
    class Contract(LayerContract):
        layer = Dummy()

    Contract().test_leaves_what_it_says()
    Contract().test_survives_malformed_candidates()


def test_there_are_two_hundred_malformed_replies() -> None:
    assert len(set(malformed())) == len(malformed()) == 200
