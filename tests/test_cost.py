"""What was used, what a plan can use at most, and that neither is ever taken for the other."""

from dataclasses import fields, replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsearch import flops
from archsearch.cost import Tariff, Used, measured, planned, upper_bound
from archsearch.layer import PlannedCall
from archsearch.models.base import Price
from archsearch.shape import ModelShape
from archsearch.types import Cost, Expected, Measured, UpperBound, total

SHAPE = ModelShape(
    layers=1, hidden=4, heads=2, kv_heads=1, head_dim=2, vocab=10, active_parameters=100
)
BIG = ModelShape(
    layers=2, hidden=8, heads=2, kv_heads=1, head_dim=4, vocab=10, active_parameters=999
)
TARIFFS = {
    "small": Tariff(shape=SHAPE, price=Price(prompt=1, completion=4)),
    "large": Tariff(shape=BIG, price=Price(prompt=10, completion=40)),
    "closed": Tariff(price=Price(prompt=3, completion=5)),
    "free": Tariff(shape=SHAPE),
    "unknown": Tariff(),
}
KINDS = [Measured, Expected, UpperBound]


def used(model="small", prompt="p", prompt_tokens=10, completion_tokens=(3,)):
    return Used(
        role="-",
        model=model,
        prompt=prompt,
        prompt_tokens=prompt_tokens,
        completion_tokens=tuple(completion_tokens),
    )


# -- kinds

amounts = st.integers(0, 10**9)
costs = st.fixed_dictionaries({field.name: amounts for field in fields(Cost)})


@given(costs, costs, st.sampled_from(KINDS))
def test_costs_of_one_kind_add_up(one, other, kind):
    both = kind(**one) + kind(**other)
    assert type(both) is kind
    assert both == kind(**{name: one[name] + other[name] for name in one})
    assert total(kind, [kind(**one), kind(**other), kind(**one)]) == both + kind(**one)
    assert total(kind, []) == kind()


@given(costs, st.integers(0, 9), st.sampled_from(KINDS))
def test_a_cost_is_scaled_in_every_part(cost, factor, kind):
    scaled = kind(**cost).scaled(factor)
    assert type(scaled) is kind
    assert scaled == total(kind, [kind(**cost)] * factor)


@pytest.mark.parametrize("one", [*KINDS, Cost])
@pytest.mark.parametrize("other", [*KINDS, Cost])
def test_kinds_never_mix(one, other):
    if one is other:
        assert one(flops=1) + other(flops=2) == one(flops=3)
        return
    with pytest.raises(TypeError, match=f"cannot add {other.__name__} to {one.__name__}"):
        one(flops=1) + other(flops=2)
    with pytest.raises(TypeError, match="cannot add"):
        total(one, [other()])
    assert one(flops=1) != other(flops=1)


@pytest.mark.parametrize("kind", KINDS)
def test_every_sum_is_of_the_kind_asked_for(kind):
    call = PlannedCall(model="small", role="-", max_prompt_tokens=9, max_tokens=5)
    assert type(planned(kind, call, TARIFFS["small"], 9, 5)) is kind
    assert type(TARIFFS["small"].prompt(kind, 3)) is kind
    assert type(TARIFFS["small"].completion(kind, 3, 3)) is kind


def test_measurements_and_bounds_are_of_their_kind():
    assert type(measured([], TARIFFS)) is Measured
    assert type(measured([used()], TARIFFS)) is Measured
    assert type(upper_bound([], TARIFFS)) is UpperBound


# -- tariffs


def test_a_tariff_counts_by_hand():
    # 2 x 100 weights and 4 x 2 x 2 per key, 1 + 2 + 3 of them; one LM head of 2 x 4 x 10.
    prompt = TARIFFS["small"].prompt(Measured, 3)
    assert prompt == Measured(flops=3 * 200 + 16 * 6 + 80, prompt_tokens=3, dollars=3 / 10**6)
    # Two of three tokens are fed back, to meet 4 and 5 keys, and each has its logits.
    completion = TARIFFS["small"].completion(Measured, 3, 3)
    assert completion == Measured(
        flops=2 * 200 + 16 * (4 + 5) + 2 * 80,
        completion_tokens=3,
        calls=1,
        dollars=4 * 3 / 10**6,
    )


def test_a_prompt_is_billed_for_each_sample_that_is_asked_for_alone():
    """Of which FLOPs and tokens know nothing."""
    alone = {"small": replace(TARIFFS["small"], billed_together=False)}
    question = [used(prompt_tokens=10, completion_tokens=(3, 3, 3))]
    together, each = measured(question, TARIFFS), measured(question, alone)
    assert together.dollars == pytest.approx((10 + 3 * 3 * 4) / 10**6)
    assert each.dollars == pytest.approx((3 * 10 + 3 * 3 * 4) / 10**6)
    assert replace(each, dollars=0) == replace(together, dollars=0)


def test_what_is_not_known_reads_0():
    question = [used("closed"), used("unknown", "other")]
    cost = measured(question, TARIFFS)
    assert (cost.flops, cost.prompt_tokens, cost.completion_tokens, cost.calls) == (0, 20, 6, 2)
    assert cost.dollars == pytest.approx((10 * 3 + 3 * 5) / 10**6)
    assert measured([used("free")], TARIFFS).dollars == 0
    assert measured([used("free")], TARIFFS).flops > 0


# -- measured


def test_a_prompt_is_prefilled_once():
    twice = [used(completion_tokens=[3, 5]), used(completion_tokens=[5, 1])]
    cost = measured(twice, TARIFFS)
    assert cost.prompt_tokens == 10
    assert cost.completion_tokens == 14
    assert cost.calls == 4
    tariff = TARIFFS["small"]
    parts = [tariff.completion(Measured, 10, tokens) for tokens in (3, 5, 5, 1)]
    assert cost == total(Measured, [tariff.prompt(Measured, 10), *parts])
    apart = measured([twice[0], used(prompt="q", completion_tokens=[5, 1])], TARIFFS)
    assert apart.prompt_tokens == 20
    assert apart.flops == cost.flops + flops.prefill(SHAPE, 10)


requests = st.builds(
    used,
    model=st.sampled_from(["small", "large"]),
    prompt=st.sampled_from("abc"),
    completion_tokens=st.lists(st.integers(0, 9), min_size=1, max_size=3),
).map(
    # The identity of a prompt holds its model, and decides its length.
    lambda call: used(
        call.model, f"{call.model} {call.prompt}", ord(call.prompt) - 90, call.completion_tokens
    )
)


@given(st.lists(requests, max_size=6), st.randoms())
def test_used_cost_does_not_depend_on_order_or_on_who_asked(calls, random):
    whole = measured(calls, TARIFFS)
    shuffled = random.sample(calls, len(calls))
    assert close(measured(shuffled, TARIFFS), whole)
    apart = [
        used(call.model, call.prompt, call.prompt_tokens, [tokens])
        for call in shuffled
        for tokens in call.completion_tokens
    ]
    assert close(measured(apart, TARIFFS), whole)
    prompts = {call.prompt: call.prompt_tokens for call in calls}
    assert whole.prompt_tokens == sum(prompts.values())


def close(one, other):
    near = partial(pytest.approx, rel=1e-9)
    return all(getattr(one, f.name) == near(getattr(other, f.name)) for f in fields(Cost))


# -- the upper bound

plans = st.lists(
    st.builds(
        PlannedCall,
        model=st.sampled_from(sorted(TARIFFS)),
        role=st.just("-"),
        prompts=st.integers(1, 3),
        samples=st.integers(1, 3),
        max_prompt_tokens=st.integers(1, 50),
        max_tokens=st.integers(1, 30),
    ),
    min_size=1,
    max_size=4,
)


@given(plans, st.data())
def test_no_walk_within_a_plan_costs_more_than_its_bound(plan, data):
    """A walk may make each planned call or not, and shorter; prompts may turn out equal."""
    calls = [
        used(
            call.model,
            f"{call.model} {at}" if own else f"{call.model} shared",
            tokens,
            completions,
        )
        for at, call in enumerate(call for call in plan for _ in range(call.prompts))
        for own, tokens, completions in data.draw(
            st.lists(
                st.tuples(
                    st.booleans(),
                    st.integers(0, call.max_prompt_tokens),
                    st.lists(st.integers(0, call.max_tokens), max_size=call.samples),
                ),
                max_size=1,
            )
        )
    ]
    cost, bound = measured(calls, TARIFFS), upper_bound(plan, TARIFFS)
    for field in fields(Cost):
        assert getattr(cost, field.name) <= getattr(bound, field.name) * (1 + 1e-12), field.name


@given(plans)
def test_the_bound_is_reached_when_every_cap_is_filled(plan):
    calls = [
        used(
            call.model,
            f"{at} {prompt}",
            call.max_prompt_tokens,
            [call.max_tokens] * call.samples,
        )
        for at, call in enumerate(plan)
        for prompt in range(call.prompts)
    ]
    bound = upper_bound(plan, TARIFFS)
    assert close(measured(calls, TARIFFS), bound)
    assert bound.calls == sum(call.completions for call in plan)
