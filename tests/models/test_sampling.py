"""Tokens drawn from logits."""

from __future__ import annotations

from collections import Counter
from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch")

import torch

from archsearch.errors import TransientModelError
from archsearch.models.sampling import Draw, choose, log_probabilities

CHANCES = [0.1, 0.5, 0.15, 0.25]
LOGITS = torch.tensor([log(chance) + 3 for chance in CHANCES])


def drawn(temperature: float = 1.0, top_p: float = 1.0, draws: int = 1000) -> dict[int, float]:
    """How often each token comes, with numbers spread evenly."""
    wanted = [
        Draw(temperature=temperature, top_p=top_p, chance=(i + 0.5) / draws) for i in range(draws)
    ]
    tokens = choose(LOGITS.expand(draws, -1), wanted)
    return {token: count / draws for token, count in Counter(tokens).items()}


def test_tokens_come_as_often_as_they_are_likely() -> None:
    assert drawn() == pytest.approx(dict(enumerate(CHANCES)), abs=2e-3)


def test_temperature_sharpens_and_flattens() -> None:
    for temperature in (0.5, 2.0):
        weights = [chance ** (1 / temperature) for chance in CHANCES]
        expected = {i: weight / sum(weights) for i, weight in enumerate(weights)}
        assert drawn(temperature) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize(
    ("top_p", "kept"), [(0.01, [1]), (0.49, [1]), (0.51, [1, 3]), (0.8, [1, 2, 3]), (0.95, None)]
)
def test_top_p_keeps_the_fewest_tokens_that_reach_it(top_p: float, kept: list[int] | None) -> None:
    kept = [0, 1, 2, 3] if kept is None else kept
    whole = sum(CHANCES[token] for token in kept)
    expected = {token: CHANCES[token] / whole for token in kept}
    assert drawn(top_p=top_p) == pytest.approx(expected, abs=2e-3)


def test_temperature_zero_takes_the_likeliest() -> None:
    assert drawn(temperature=0.0) == {1: 1.0}


def test_rows_are_drawn_each_in_its_own_way() -> None:
    rows = [
        Draw(temperature=0.0, top_p=1.0, chance=0.99),
        Draw(temperature=1.0, top_p=1.0, chance=0.99),
        Draw(temperature=1.0, top_p=0.4, chance=0.99),
    ]
    assert choose(LOGITS.expand(3, -1), rows) == [1, 3, 1]


def test_logits_that_are_no_numbers_are_told_with_a_remedy() -> None:
    broken = LOGITS.clone().unsqueeze(0)
    broken[0, 2] = float("nan")
    with pytest.raises(TransientModelError, match="dtype: float32"):
        choose(broken, [Draw(temperature=0.0, top_p=1.0, chance=0.0)])


def test_tokens_ruled_out_are_never_drawn() -> None:
    cut = LOGITS.clone()
    cut[3] = float("-inf")
    last = Draw(temperature=1.0, top_p=1.0, chance=1 - 2**-53)
    assert choose(cut.unsqueeze(0), [last]) == [2]


@given(
    st.lists(st.floats(-30, 30, width=32), min_size=2, max_size=9),
    st.floats(0.1, 3),
    st.floats(0.01, 1),
    st.floats(0, 1, exclude_max=True),
)
def test_a_draw_does_not_depend_on_its_neighbours(
    values: list[float], temperature: float, top_p: float, chance: float
) -> None:
    row = torch.tensor(values)
    draw = Draw(temperature=temperature, top_p=top_p, chance=chance)
    others = [Draw(temperature=0.7, top_p=0.4, chance=0.3), Draw(temperature=0, top_p=1, chance=0)]
    beside = choose(torch.stack([row, row * 0.5, -row]), [draw, *others])
    assert choose(row.unsqueeze(0), [draw]) == beside[:1]


def test_log_probabilities_put_the_drawn_token_first() -> None:
    told = log_probabilities(LOGITS.expand(4, -1), [0, 1, 3, 2], [2, 2, 9, 0])
    assert [[token for token, _ in row] for row in told] == [[0, 1, 3], [1, 3], [3, 1, 2, 0], [2]]
    for row in told:
        for token, value in row:
            assert exp(value) == pytest.approx(CHANCES[token], rel=1e-4)


def test_tokens_ruled_out_have_no_log_probability() -> None:
    cut = torch.tensor([[0.0, float("-inf"), 0.0]])
    assert [token for token, _ in log_probabilities(cut, [2], [3])[0]] == [2, 0]
