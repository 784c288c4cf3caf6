"""The one error boundary: four kinds of failure, and only two of them score 0."""

import asyncio
from typing import Any, Literal

import pytest

from archsearch import evaluate
from archsearch.architecture import Architecture
from archsearch.benchmark import Benchmark, Item
from archsearch.cost import Tariff
from archsearch.dispatch import Dispatcher
from archsearch.errors import (
    BudgetExhausted,
    ConfigError,
    RunError,
    SandboxFailed,
    SandboxUnavailable,
)
from archsearch.evaluate import Evaluation, Evaluator, Outcome
from archsearch.layer import Facet, Layer
from archsearch.models.scripted import SHAPE, Scripted
from archsearch.patience import Patience
from archsearch.program import Execution, Program
from archsearch.testing.runners import giving
from archsearch.types import Failure, Fallback, Message, Question, Score, Target
from tests.stores import in_memory

QUICK = Patience(attempts=2, first_pause=0)


class Echo(Benchmark):
    """Asks for a word to be said; a reply without letters is malformed."""

    name: Literal["echo"] = "echo"

    def load(self, count):
        return [
            Item(
                question=Question(id=str(i), messages=(Message(role="user", content=f"say w{i}"),)),
                target=Target(question_id=str(i), reference=f"w{i}"),
            )
            for i in range(count)
        ]

    def score(self, text, target):
        if not text.strip():
            return Score(value=0.0, malformed=True)
        return Score(value=float(text == target.reference), answer=text)


class Raising(Layer):
    """A layer of somebody's, with a bug."""

    type: Literal["raising"] = "raising"
    error: str

    def leaves(self, given):
        return given

    async def __call__(self, slate, calls):
        raise {
            "bug": ZeroDivisionError("oops"),
            "config": ConfigError("faulty template"),
            "budget": BudgetExhausted("no more"),
        }[self.error]


class Fixed(Echo):
    """A scorer of somebody's, with a bug."""

    gives: Any

    def score(self, text, target):
        return self.gives


GENERATE = {"type": "generator", "model": "m", "temperature": 0, "max_tokens": 4}


def evaluator(model, benchmark=None):
    return Evaluator(
        benchmark=benchmark or Echo(),
        dispatcher=Dispatcher({"m": model}, in_memory(), patience=QUICK),
        tariffs={"m": Tariff(shape=SHAPE)},
    )


def outcomes(model, *more, count=4):
    async def run():
        architecture = Architecture.of(*Architecture.parse([GENERATE]).rows[0], *more)
        return await evaluator(model).evaluate(architecture, Echo().load(count))

    return asyncio.run(run())


def say(request, seed):
    return request.messages[-1].content.removeprefix("say ")


def test_right_wrong_and_malformed_answers_are_scores():
    replies = {"w0": "w0", "w1": "nonsense", "w2": " ", "w3": "w3"}
    found = outcomes(Scripted(lambda request, seed: replies[say(request, seed)]))
    assert found.scores == {"0": 1.0, "1": 0.0, "2": 0.0, "3": 1.0}
    assert found.malformed == 1
    assert found.mean == 0.5
    assert not found.failures


@pytest.mark.parametrize(
    ("gives", "told"),
    [
        (Score(value=37.5), r"Score\(value=37.5\)"),
        (Score(value=-0.5), r"Score\(value=-0.5\)"),
        (Score(value=float("nan")), r"Score\(value=nan\)"),
        (Score(value=None), r"Score\(value=None\)"),
        (1.0, "1.0"),
        (None, "None"),
    ],
)
def test_what_is_no_score_ends_the_run_at_the_first_question(gives, told):
    benchmark = Fixed(gives=gives)
    rule = "must give a `Score` whose value is a number from 0 to 1"
    with pytest.raises(ConfigError, match=f"{rule}; 'echo' gave {told}; correct its `score`"):
        asyncio.run(
            evaluator(Scripted(say), benchmark).outcome(
                Architecture.parse([GENERATE]), benchmark.load(1)[0]
            )
        )


def test_a_model_failure_is_not_scored():
    def fault(request, seed):
        return "transient" if say(request, seed) == "w1" else None

    found = outcomes(Scripted(say, fault=fault))
    assert found.scores == {"0": 1.0, "2": 1.0, "3": 1.0}
    assert found.failures["1"].kind == "model"
    assert "failed 2 times in a row" in found.failures["1"].message
    assert found.mean == 1.0


def test_a_rejection_is_the_architectures_own_fault():
    found = outcomes(Scripted(say, fault=lambda *_: "rejected"), count=1)
    (outcome,) = found.outcomes
    assert outcome.result == Score(
        value=0.0, malformed=True, explanation="request rejected: a rejection, as scripted"
    )


def test_a_layer_that_raises_is_a_failure_of_its_own_kind():
    found = outcomes(Scripted(say), Raising(error="bug"), count=2)
    assert found.failures["0"] == Failure(kind="layer", message="ZeroDivisionError: oops")
    assert not found.scores


def test_a_prompt_that_cannot_fit_leaves_its_question_unscored_and_others_go_on():
    layer = {"type": "ranker", "model": "m", "max_tokens": 4, "max_prompt_tokens": 3}
    several = [{**GENERATE, "temperature": 0.5, "samples": 3}, layer]
    model = Scripted(lambda request, seed: f"{say(request, seed)} {seed % 7}")

    async def run():
        return await evaluator(model).evaluate(Architecture.parse(several), Echo().load(2))

    found = asyncio.run(run())
    assert {failure.kind for failure in found.failures.values()} == {"layer"}
    assert "3 does not at layer 1.ranker; raise it" in found.failures["0"].message
    assert found.failures.keys() == {"0", "1"}


@pytest.mark.parametrize(("error", "kind"), [("config", ConfigError), ("budget", BudgetExhausted)])
def test_what_concerns_the_whole_run_ends_it(error, kind):
    with pytest.raises(kind):
        outcomes(Scripted(say), Raising(error=error))


class Run(Echo):
    """Runs each reply."""

    name: Literal["run"] = "run"

    async def judge(self, text, target, execute):
        execution = await execute(Program(source=text))
        return Score(value=float(execution.stdout == target.reference), answer=text)


class Runner:
    """Says what a program is, where it can; on some of them the sandbox fails."""

    identity = "none"

    async def run(self, program):
        if program.source == "w1":
            raise SandboxFailed("the disk is full")
        return Execution(status="ok", tier="none", stdout=program.source)


def ran(sandbox):
    async def run():
        architecture = Architecture.of(*Architecture.parse([GENERATE]).rows[0])
        door = giving(sandbox) if sandbox else None
        dispatcher = Dispatcher({"m": Scripted(say)}, in_memory(), sandbox=door)
        tariffs = {"m": Tariff(shape=SHAPE)}
        evaluator = Evaluator(benchmark=Run(), dispatcher=dispatcher, tariffs=tariffs)
        return await evaluator.evaluate(architecture, Run().load(3))

    return asyncio.run(run())


def test_a_sandbox_failure_is_not_scored():
    found = ran(Runner())
    assert found.scores == {"0": 1.0, "2": 1.0}
    assert found.failures["1"] == Failure(kind="sandbox", message="the disk is full")
    assert found.outcomes[1].text == "w1"


def test_no_sandbox_at_all_ends_the_run():
    with pytest.raises(SandboxUnavailable):
        ran(None)


def test_cost_is_what_the_question_used():
    (outcome,) = outcomes(Scripted(say), count=1).outcomes
    assert (outcome.cost.prompt_tokens, outcome.cost.completion_tokens) == (3, 1)
    assert outcome.cost.calls == 1
    assert outcome.cost.flops > 0
    assert outcome.used[0].role == "generator/plain/0.0"


def test_outcomes_are_in_the_order_of_the_questions():
    slow_first = Scripted(say, latency=lambda request, _: 0.02 / (1 + int(say(request, 0)[1:])))
    found = outcomes(slow_first, count=6)
    assert [outcome.question_id for outcome in found.outcomes] == list("012345")


def test_only_so_many_questions_are_under_way(monkeypatch):
    monkeypatch.setattr(evaluate, "AT_ONCE", 3)
    taken = done = most = 0
    items = Echo().load(30)

    def as_needed():
        nonlocal taken, most
        for item in items:
            taken += 1
            most = max(most, taken - done)
            yield item

    async def run():
        nonlocal done
        model = Scripted(say, latency=0.001, capacity=1)
        architecture = Architecture.parse([GENERATE])
        async for _ in evaluator(model).outcomes(architecture, as_needed()):
            done += 1

    asyncio.run(run())
    assert done == 30
    assert most == 8  # eight for each place of the model, where that is more


def test_no_target_reaches_a_layer():
    seen = []

    class Spy(Layer):
        type: Literal["spy"] = "spy"

        def needs(self):
            return frozenset({Facet.CANDIDATES})

        def leaves(self, given):
            return given

        async def __call__(self, slate, calls):
            seen.append(slate)
            return slate

    outcomes(Scripted(lambda *_: "unrelated"), Spy(), count=2)
    assert len(seen) == 2
    for slate in seen:
        assert not any(isinstance(value, Target) for value in _reachable(slate))


def _reachable(value):
    yield value
    for name in getattr(value, "__slots__", ()):
        inner = getattr(value, name)
        yield from _reachable(inner)
        if isinstance(inner, tuple):
            for part in inner:
                yield from _reachable(part)


def test_ways_out_are_counted_by_question():
    def outcome(number, *reasons):
        notes = tuple(Fallback(path="0", reason=reason) for reason in reasons)
        return Outcome(question_id=str(number), result=Score(value=0.0), fallbacks=notes)

    found = Evaluation(
        outcomes=(outcome(0, "blank"), outcome(1, "cut", "cut", "blank"), outcome(2))
    )
    assert found.fallbacks == 2
    assert found.ways_out == {"blank": 2, "cut": 1}


def test_a_model_that_refused_all_has_no_score():
    def found(*explanations):
        scores = (Score(value=0.0, explanation=said) for said in explanations)
        return Evaluation(
            outcomes=tuple(
                Outcome(question_id=str(at), result=score) for at, score in enumerate(scores)
            )
        )

    found().require_an_answer("it")
    found("request rejected: too long", "wrong").require_an_answer("it")
    with pytest.raises(
        RunError, match=r"^it must answer.*all 2 were refused, the first: too long;"
    ):
        found("request rejected: too long", "request rejected: no").require_an_answer("it")
