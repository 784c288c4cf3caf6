"""What is foreseen comes near what is measured, and never above the upper bound."""

import asyncio

import pytest

from archsearch.architecture import Architecture
from archsearch.cost import Tariff, Used
from archsearch.dispatch import Dispatcher
from archsearch.errors import ConfigError, PromptTooLong, UnknownName
from archsearch.evaluate import Evaluator
from archsearch.layer import PlannedCall
from archsearch.models.scripted import SHAPE, Scripted
from archsearch.search.forecast import Forecast
from archsearch.search.lengths import ENOUGH, Lengths
from archsearch.seeds import seed_of
from tests.search.studies import CAPS, multiply, study
from tests.stores import in_memory

GENERATE = {"type": "generator", "model": "m", "style": "direct", **CAPS}


def call(role, *, prompts=1, max_tokens=100):
    return PlannedCall(
        model="m", role=role, prompts=prompts, max_prompt_tokens=100, max_tokens=max_tokens
    )


def used(role, *tokens, prompt="p"):
    return Used(role=role, model="m", prompt=prompt, prompt_tokens=5, completion_tokens=tokens)


def test_a_model_never_seen_is_expected_to_fill_its_cap():
    assert Lengths().tokens(call("generator/plain/0.7")) == 100


def test_a_role_not_seen_enough_takes_its_longest_seen_prefix():
    lengths = Lengths()
    lengths.observe([used("generator/plain/0.7", *[10] * ENOUGH)])
    lengths.observe([used("fuser/0.7", *[40] * ENOUGH)])
    assert lengths.tokens(call("generator/plain/0.7")) == 10
    assert lengths.tokens(call("generator/plain/0.2")) == 10
    assert lengths.tokens(call("generator/direct/0.2")) == 10
    assert lengths.tokens(call("critic")) == 25  # the model's mean
    assert lengths.tokens(call("critic", max_tokens=12)) == 12
    lengths.observe([used("critic", 80)])
    assert lengths.tokens(call("critic")) == pytest.approx((80 + 80 + 320) / 17)


def test_prompts_are_fewer_and_shorter_than_planned_as_far_as_seen():
    lengths, planned = Lengths(), call("verifier/judge", prompts=4)
    assert (lengths.uptake(planned), lengths.fill(planned)) == (1.0, 1.0)
    for _ in range(4):
        made = [used("verifier/judge", 5, prompt=name) for name in ("a", "b", "b")]
        lengths.observe_prompts([(planned, 20.0)], [*made, used("other", 1)])
    assert lengths.uptake(planned) == 0.5
    assert lengths.fill(planned) == 0.25
    assert lengths.uptake(call("verifier/judge", prompts=8)) == 0.5


def babble(request, seed):
    """Replies of very uneven length, whatever is asked."""
    if "product" in multiply(request, seed):
        return " ".join(["so"] * (1 + seed_of([request.messages[-1].content, seed]) % 12))
    return multiply(request, seed)


ARCHITECTURES = {
    "single": [{**GENERATE, "temperature": 0}],
    "vote": [{**GENERATE, "samples": 8}, {"type": "vote"}],
    "rank": [{**GENERATE, "samples": 8}, {"type": "ranker", "model": "m", **CAPS}],
    "verify": [{**GENERATE, "samples": 4}, {"type": "verifier", "model": "m", **CAPS}],
    "fuse twice": [
        {**GENERATE, "samples": 4},
        {"type": "fuser", "model": "m", "samples": 2, **CAPS},
        {"type": "fuser", "model": "m", **CAPS},
    ],
    "rank twice": [
        {**GENERATE, "samples": 8},
        {"type": "ranker", "model": "m", "keep": 4, **CAPS},
        {"type": "ranker", "model": "m", **CAPS},
    ],
    "critique": [
        {**GENERATE, "samples": 4},
        {"type": "critic", "model": "m", **CAPS},
        {"type": "fuser", "model": "m", "critiques": True, "samples": 2, **CAPS},
    ],
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_expected_cost_is_near_the_measured_one(name):
    async def run():
        splits = study().load_splits()
        dispatcher = Dispatcher({"m": Scripted(babble)}, in_memory())
        tariffs = {"m": Tariff(shape=SHAPE)}
        forecast = Forecast(dispatcher, tariffs, [i.question for i in splits.search])
        evaluator = Evaluator(benchmark=study().benchmark, dispatcher=dispatcher, tariffs=tariffs)
        architecture = Architecture.parse(ARCHITECTURES[name])
        seen = await evaluator.evaluate(architecture, splits.search)
        for outcome in seen.outcomes:
            await forecast.learn(architecture, outcome.used)
        fresh = await evaluator.evaluate(architecture, splits.test)
        expected = await forecast.expected(architecture)
        bound = forecast.upper_bound(architecture)
        assert expected.flops == pytest.approx(fresh.cost.flops, rel=0.1)
        assert expected.flops <= bound.flops
        assert all(outcome.cost.flops <= bound.flops for outcome in fresh.outcomes)
        assert all(o.cost.prompt_tokens <= bound.prompt_tokens for o in fresh.outcomes)

    asyncio.run(run())


def forecast(context=100):
    dispatcher = Dispatcher({"m": Scripted(multiply, context=context)}, in_memory())
    return Forecast(dispatcher, {}, [])


def test_an_unknown_model_is_named():
    with pytest.raises(UnknownName, match="unknown model 'n'; known: m"):
        forecast().check(Architecture.parse([{**GENERATE, "model": "n"}]))


def test_caps_must_fit_the_context():
    message = (
        r"fit the context of 'm' \(100 tokens\); received 400 \+ 16 at generator; lower one, or "
        r"raise models.m.context"
    )
    with pytest.raises(ConfigError, match=message):
        forecast().check(Architecture.parse([GENERATE]))


def test_a_template_that_fills_its_prompts_is_refused_before_anything_is_drawn():
    """More candidates take more headings, blank as they may be."""

    def prompts(samples):
        ranked = {"type": "ranker", "model": "m", **CAPS, "max_prompt_tokens": 120}
        architecture = Architecture.parse([{**GENERATE, "samples": samples}, ranked])
        asyncio.run(forecast(context=1000).check_prompts(architecture))

    prompts(2)
    with pytest.raises(PromptTooLong, match="120 does not at ranker; raise it"):
        prompts(60)
