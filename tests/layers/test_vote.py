from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from archsearch.architecture import Architecture
from archsearch.errors import ConfigError, InvalidArchitecture
from archsearch.layers.generator import Generator
from archsearch.layers.vote import Vote
from archsearch.testing.layer_contract import LayerContract, run
from archsearch.testing.slates import slate_of
from archsearch.types import Request, Slate


class TestVote(LayerContract):
    layer = Vote(answer="number")


class TestWeightedVote(LayerContract):
    layer = Vote(answer="number", weighted=True)


def silent(request: Request, seed: int) -> str:
    raise AssertionError("a vote makes no call")


def scored(texts: Sequence[str], scores: Sequence[float]) -> Slate:
    slate = slate_of(texts)
    pairs = zip(slate.candidates, scores, strict=True)
    return slate.with_candidates(tuple(replace(c, score=score) for c, score in pairs))


@pytest.mark.parametrize(
    ("texts", "index", "share"),
    [
        (["1", "2", "2.0"], 1, 2 / 3),
        (["1", "2", "2", "1"], 0, 1 / 2),
        (["none", "3"], 1, 1.0),
        (["7"], 0, 1.0),
    ],
)
def test_the_most_supported_answer_wins_and_ties_go_to_the_first(
    texts: list[str], index: int, share: float
) -> None:
    slate = run(Vote(answer="number"), slate_of(texts), silent).slate
    assert [(c.origin.index, c.score) for c in slate.candidates] == [(index, share)]
    assert not slate.fallbacks


def test_weights_count_instead_of_heads() -> None:
    given = scored(["1", "1", "2"], [0.2, 0.2, 0.6])
    for weighted, text in ((False, "1"), (True, "2")):
        slate = run(Vote(answer="number", weighted=weighted), given, silent).slate
        assert slate.candidates[0].text == text


@pytest.mark.parametrize(
    ("texts", "scores", "winner", "share"),
    [
        (["1", "1", "1", "2"], [-1, -1, -1, -2], "1", 1.0),
        (["1", "2"], [3.0, -2.9], "1", 1.0),
        (["1", "2", "2"], [-1, 2, 1], "2", 5 / 5),
        (["1", "2", "2", "3"], [1, 0, 1, -1], "2", 3 / 5),
    ],
)
def test_rewards_below_0_count_from_the_lowest(texts, scores, winner, share) -> None:
    slate = run(Vote(answer="number", weighted=True), scored(texts, scores), silent).slate
    assert (slate.candidates[0].text, slate.candidates[0].score) == (winner, pytest.approx(share))


@pytest.mark.parametrize("score", [0.0, -1.0])
def test_without_any_weight_heads_count(score: float) -> None:
    given = scored("1222", [score] * 4)
    slate = run(Vote(answer="number", weighted=True), given, silent).slate
    assert (slate.candidates[0].text, slate.candidates[0].score) == ("2", 3 / 4)


def test_without_any_answer_the_first_candidate_stays_which_is_recorded() -> None:
    slate = run(Vote(answer="number"), slate_of(["no", "idea"]), silent).slate
    assert [c.text for c in slate.candidates] == ["no"]
    assert len(slate.fallbacks) == 1


def test_the_question_says_how_its_answers_are_read() -> None:
    given = slate_of(["It is (A).", "I say (B).", "Surely (B)."])
    given = replace(given, question=replace(given.question, answer_kind="choice"))
    assert run(Vote(), given, silent).slate.candidates[0].text == "I say (B)."


def test_an_unknown_extractor_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="did you mean 'number'"):
        Architecture.parse([{"type": "vote", "answer": "numbr"}])


def test_needs_several_candidates_and_scores_where_it_weighs() -> None:
    with pytest.raises(InvalidArchitecture, match="raise `samples`"):
        Architecture.of(Generator(model="m"), Vote())
    with pytest.raises(InvalidArchitecture, match="put a layer that scores"):
        Architecture.of(Generator(model="m", samples=2), Vote(weighted=True))
