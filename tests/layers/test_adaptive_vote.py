from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from archsearch.architecture import Architecture
from archsearch.calls import Walk
from archsearch.dispatch import Dispatcher
from archsearch.errors import ConfigError
from archsearch.layer import Facet
from archsearch.layers.adaptive_vote import NO_ANSWER, AdaptiveVote, lead_probability
from archsearch.layers.generator import Generator
from archsearch.layers.vote import Vote
from archsearch.models.scripted import Scripted
from archsearch.store import SampleStore
from archsearch.testing.layer_contract import PATH, LayerContract, Run, run
from archsearch.testing.slates import outline_of, slate_of
from archsearch.types import Candidate, Request

QUESTION = slate_of([])


class TestAdaptiveVote(LayerContract):
    layer = AdaptiveVote(model="small", answer="number", samples=6)
    parses_replies = True


class TestGreedy(LayerContract):
    layer = AdaptiveVote(model="small", answer="number", temperature=0, style="direct")


class TestWithUnitTests(LayerContract):
    layer = AdaptiveVote(model="small", answer="number", samples=2, unit_tests=True)


def voted(answers: Sequence[str], *, uneven: bool = False, **fields: Any) -> Run:
    """The layer on a model that gives these answers, in sample-index order."""
    layer = AdaptiveVote(model="m", answer="number", samples=len(answers), **fields)
    first: list[int] = []
    generator = Generator(model="m", temperature=layer.temperature)
    run(generator, QUESTION, lambda request, seed: str(first.append(seed)))

    def reply(request: Request, seed: int) -> str:
        return answers[seed - first[0]]

    return run(layer, QUESTION, reply, uneven=uneven)


def drawn(ran: Run) -> int:
    return sum(len(call.completion_tokens) for call in ran.used)


# -- the stopping rule


@pytest.mark.parametrize("votes", [0, 1, 2, 3, 7, 40, 200])
@pytest.mark.parametrize("others", [0, 1, 2, 5, 39, 150])
def test_the_closed_form_is_the_beta_distributions(votes: int, others: int) -> None:
    exact = beta.sf(0.5, votes + 1, others + 1)
    assert lead_probability(votes, others) == pytest.approx(exact, rel=1e-9, abs=1e-12)


@given(st.integers(0, 20), st.integers(0, 20))
def test_one_of_two_leads(votes, others) -> None:
    assert lead_probability(votes, others) + lead_probability(others, votes) == pytest.approx(1)
    assert lead_probability(votes + 1, others) > lead_probability(votes, others)


def test_thousands_of_votes_are_no_overflow() -> None:
    assert lead_probability(3_000, 2_000) == 1
    assert lead_probability(2_000, 2_000) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("answers", "confidence", "count"),
    [
        ("1111111111", 0.95, 4),
        ("1111111111", 0.9, 3),
        ("1111111111", 0.99, 5),
        ("1211111111", 0.95, 6),
        ("1111111111", 1, 5),
        ("1212121212", 0.95, 9),
        ("111", 0.95, 2),
        ("1", 0.95, 1),
        ("12", 0.95, 1),
        ("xxxx1111111111", 0.95, 8),
        ("112233", 1, 6),
        ("122", 1, 3),
    ],
)
def test_stops_as_soon_as_the_leader_is_settled(
    answers: str, confidence: float, count: int
) -> None:
    assert drawn(voted(answers, confidence=confidence)) == count


def test_leaves_the_first_candidate_of_the_winning_answer_with_its_share() -> None:
    ran = voted(["x", "It is 2.", "1", "It is 2.0", "2", "2", "2", "2", "2", "2"])
    (candidate,) = ran.slate.candidates
    assert (candidate.text, candidate.origin.index, candidate.origin.path) == ("It is 2.", 1, PATH)
    assert candidate.score == pytest.approx(5 / 6)
    assert not ran.slate.fallbacks


def test_without_any_answer_the_first_sample_stays_which_is_recorded() -> None:
    ran = voted(["no", "idea"])
    assert [(c.text, c.score) for c in ran.slate.candidates] == [("no", 0.0)]
    assert [note.reason for note in ran.slate.fallbacks] == [NO_ANSWER]
    assert drawn(ran) == 2


def test_at_temperature_0_one_answer_is_drawn() -> None:
    ran = voted(["1", "1", "1"], temperature=0)
    assert drawn(ran) == 1
    architecture = Architecture.of(AdaptiveVote(model="m", temperature=0, confidence=0.8))
    assert architecture.rows[0][0] == AdaptiveVote(model="m", temperature=0, samples=1, ahead=1)


# -- the same as a plain vote

votes = st.lists(st.sampled_from(["1", "2", "3", "x"]), min_size=1, max_size=14)


def plain(answers: Sequence[str]) -> Candidate:
    """What a vote makes of them."""
    given = slate_of(answers)
    (candidate,) = run(Vote(answer="number"), given, lambda request, seed: "").slate.candidates
    return candidate


@settings(max_examples=60, deadline=None)
@given(votes, st.sampled_from([0.6, 0.8, 0.95, 1.0]), st.integers(1, 9))
@example(["1", "2", "2", "1"], 1.0, 4)
def test_it_is_the_plain_vote_over_the_prefix_drawn(answers, confidence, ahead) -> None:
    ran = voted(answers, confidence=confidence, ahead=ahead)
    expected = plain(answers[: drawn(ran)])
    (found,) = ran.slate.candidates
    assert (found.text, found.score, found.origin.index) == (
        expected.text,
        expected.score,
        expected.origin.index,
    )


@settings(max_examples=60, deadline=None)
@given(votes)
def test_with_full_confidence_the_outcome_is_that_of_all_samples(answers) -> None:
    (found,) = voted(answers, confidence=1).slate.candidates
    assert (found.text, found.origin.index) == (
        plain(answers).text,
        plain(answers).origin.index,
    )


@settings(max_examples=40, deadline=None)
@given(votes, st.integers(1, 9), st.booleans())
def test_neither_what_is_drawn_ahead_nor_who_is_first_changes_it(answers, ahead, uneven) -> None:
    first = voted(answers, ahead=1)
    other = voted(answers, ahead=ahead, uneven=uneven)
    assert other.slate == first.slate
    assert other.used == first.used


def test_of_equals_the_first_leads_so_half_the_votes_are_enough_for_it() -> None:
    assert drawn(voted("1122", confidence=1)) == 2
    assert drawn(voted("2112", confidence=1)) == 4


# -- with a generator


def test_asks_what_a_generator_asks_and_shares_its_samples() -> None:
    fields = {"model": "m", "style": "step_by_step", "max_tokens": 50, "top_p": 0.9}
    generator = Generator(**fields, samples=8)
    vote = AdaptiveVote(**fields, samples=8, answer="number")

    async def walk() -> tuple[int, int]:
        with SampleStore() as store:
            model = Scripted(lambda request, seed: f"{seed % 3}")
            dispatcher = Dispatcher({"m": model}, store)
            await generator(QUESTION, Walk(dispatcher))
            before = dispatcher.meter.drawn_samples
            await vote(QUESTION, Walk(dispatcher))
            return before, dispatcher.meter.drawn_samples

    assert asyncio.run(walk()) == (8, 8)


def test_its_lengths_are_a_generators_and_its_uptake_its_own() -> None:
    given = outline_of(QUESTION)
    (mine,) = AdaptiveVote(model="m", style="direct", temperature=0.5).plan(given)
    (theirs,) = Generator(model="m", style="direct", temperature=0.5).plan(given)
    assert mine.role == f"{theirs.role}/adaptive"
    assert (mine.prompts, mine.samples) == (1, 16)
    assert replace(mine, role="", samples=1) == replace(theirs, role="")


def test_leaves_one_candidate_that_has_a_score() -> None:
    outline = AdaptiveVote(model="m").leaves(outline_of(QUESTION))
    assert outline.candidates == 1
    assert outline.facets == {Facet.SCORES}
    row = [AdaptiveVote(model="m"), Generator(model="n", samples=2)]
    joint = Architecture.of(row).outlines[-1]
    assert (joint.candidates, joint.facets) == (3, frozenset())


def test_an_unknown_extractor_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="did you mean 'number'"):
        Architecture.parse([{"type": "adaptive_vote", "model": "m", "answer": "numbr"}])
