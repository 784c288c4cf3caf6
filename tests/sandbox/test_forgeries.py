"""Programs that lie about what they can do are not believed; honest ones are, however odd."""

import asyncio
import random

import pytest

from tests.sandbox.host import BEST, opened
from tests.sandbox.task import FORGED, FORMS, HONEST, same
from tests.sandbox.trial import scratch


@pytest.fixture(scope="module", params=BEST)
def judged(request):
    """Of each claim its executions, by calls and by a test, and the inputs that it met."""

    async def judge(sandbox, claim):
        inputs = claim.task.inputs(random.Random())
        calls, test = await asyncio.gather(
            sandbox.run(claim.by_calls(inputs)), sandbox.run(claim.by_test(inputs))
        )
        return calls, test, inputs

    async def judge_all():
        async with opened(request.param) as sandbox:
            claims = [*FORGED.values(), *HONEST.values()]
            ended = await asyncio.gather(*(judge(sandbox, claim) for claim in claims))
            return dict(zip(claims, ended, strict=True))

    with scratch():
        return asyncio.run(judge_all())


@pytest.mark.parametrize("name", FORGED)
def test_a_forgery_is_not_accepted(judged, name):
    claim = FORGED[name]
    calls, test, inputs = judged[claim]
    assert not claim.task.solved(calls, inputs), calls
    assert test.status != "ok", test
    # A sandbox that failed would be asked again, for ever.
    assert "sandbox_error" not in (calls.status, test.status), (calls, test)
    assert claim.says in calls.stdout, f"it no longer finds what it needs to lie: {calls}"


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_program_is_accepted(judged, name):
    claim = HONEST[name]
    calls, test, inputs = judged[claim]
    assert claim.task.solved(calls, inputs), calls
    assert test.status == "ok", test


def test_there_are_enough():
    assert len(FORGED) >= 40
    assert len(HONEST) >= 40
    assert {claim.form for claim in FORGED.values()} == set(FORMS)


def test_same_compares_types():
    assert same([1, {"a": (2.0,)}], [1, {"a": (2.0,)}])
    assert not same(True, 1)
    assert not same([1.0], [1])
    assert not same({"a": 1}, {"b": 1})
    assert not same((1,), [1])
