"""What every layer owes, as a test class to inherit.

    class TestVote(LayerContract):
        layer = Vote()

It runs the layer on scripted models through the real `Dispatcher` and `Walk`, alone and, where
several of its type may stand side by side, in a row of two. Programs run in the best sandbox that
the host gives.
"""

from __future__ import annotations

import asyncio
import copy
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar, TypeVar

import pytest
import yaml

from archsearch.architecture import LAYERS
from archsearch.calls import Walk
from archsearch.compose import Step, parallel
from archsearch.cost import Used
from archsearch.dispatch import Dispatcher
from archsearch.layer import Facet, Layer, Outline, PlannedCall
from archsearch.models.scripted import Scripted
from archsearch.program import Runner
from archsearch.seeds import seed_of
from archsearch.store import SampleStore
from archsearch.testing.malformed import BLANK, malformed
from archsearch.testing.runners import Recorder, Replayer, giving, shared_sandbox
from archsearch.testing.slates import HOLDS, outline_of, slate_of
from archsearch.types import Request, Slate

PATH = "1.layer"

Call = TypeVar("Call", PlannedCall, Request, Used)

Script = Callable[[Request, int], str]
"""What a scripted model says to a request, given the seed of the sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A layer's way over one slate."""

    slate: Slate
    """What came out."""
    used: tuple[Used, ...]
    asked: tuple[Request, ...]
    """One for each sample drawn."""


def _some_score(request: Request) -> float:
    return seed_of([message.content for message in request.messages]) % 1000 / 1000


def run(
    layer: Layer,
    slate: Slate,
    script: Script,
    *,
    uneven: bool = False,
    score: Callable[[Request], float] = _some_score,
    runner: Runner | None = None,
) -> Run:
    """`layer` on `slate`, every model following `script`, or `score` where it is asked for scores;
    `uneven` shuffles who answers first. Programs run in `runner`, by default the sandbox that all
    tests share."""
    return _run((layer,), slate, script, uneven=uneven, score=score, runner=runner)


def run_row(
    row: Sequence[Layer],
    slate: Slate,
    script: Script,
    *,
    uneven: bool = False,
    score: Callable[[Request], float] = _some_score,
) -> Run:
    """The same for layers side by side, as an architecture runs them."""
    members = [layer.as_member() for layer in row]
    step = parallel(members, partial(row[0].join, row))
    return _run(members, slate, script, step, uneven=uneven, score=score)


def _run(
    layers: Sequence[Layer],
    slate: Slate,
    script: Script,
    step: Step | None = None,
    *,
    uneven: bool,
    score: Callable[[Request], float],
    runner: Runner | None = None,
) -> Run:
    """`step`, by default the one layer, on models for all of `layers`."""

    async def walk() -> Run:
        asked: list[Request] = []

        def reply(request: Request, seed: int) -> str:
            asked.append(request)
            return script(request, seed)

        def latency(request: Request, seed: int) -> float:
            texts = [message.content for message in request.messages]
            return seed_of([seed, texts]) % 7 / 1000 if uneven else 0.0

        def scored(request: Request) -> float:
            asked.append(request)
            return score(request)

        plan = [call for layer in layers for call in layer.plan(outline_of(slate))]
        models = {
            name: Scripted(
                reply,
                latency=latency,
                identity=name,
                context=1_000_000,
                score=scored if any(c.scoring for c in plan if c.model == name) else None,
            )
            for name in frozenset().union(*(layer.models() for layer in layers))
        }
        with SampleStore() as store:
            sandbox = giving(runner or shared_sandbox())
            door = Walk(Dispatcher(models, store, sandbox=sandbox)).at(PATH)
            left = await (step or layers[0])(slate, door)
            return Run(slate=left, used=door.used, asked=tuple(asked))

    return asyncio.run(walk())


class LayerContract:
    """Set `layer`; override the rest where the defaults do not suit it."""

    layer: ClassVar[Layer]
    parses_replies: ClassVar[bool] = False
    """Whether it reads replies as more than an answer: then a blank one must be recorded."""
    texts: ClassVar[tuple[str, ...]] = (
        "It is 6, I think. The answer is 6.",
        "Three and four make seven. The answer is 7.",
        "The answer is 8.",
        "I count 4, 5, 6, 7. The answer is 7.",
    )
    """Of the candidates that it is given."""

    def other(self) -> Layer:
        """What stands beside it where several of its type may: by default the same with another
        model, where it has one."""
        names = {"model": "other"} if "model" in type(self.layer).model_fields else {}
        return self.layer.model_copy(update=names)

    def reply(self, request: Request, seed: int) -> str:
        """What the models say to it: override it to give replies that the layer understands."""
        return f"Sample {seed} says that the answer is {seed % 10}."

    def slate(self, texts: Sequence[str] | None = None) -> Slate:
        """A slate that holds what the layer needs and nothing more."""
        return slate_of(self.texts if texts is None else texts, facets=self.layer.needs())

    def run(self, slate: Slate | None = None, *, uneven: bool = False) -> Run:
        """The layer on `slate` (by default its own), models answering by `reply`."""
        return run(self.layer, slate or self.slate(), self.reply, uneven=uneven)

    def check_slate(self, given: Slate, left: Slate) -> None:
        """What must hold of any slate that the layer leaves."""
        _check_slate(given, left, self.layer.leaves(outline_of(given)), makes=self.layer.makes)

    def check_plan(self, given: Slate, ran: Run) -> None:
        """Real calls stay within the planned ones."""
        _check_plan(self.layer.plan(outline_of(given)), ran)

    def check_row(self, given: Slate, ran: Run) -> None:
        """Both for the layer with the other one beside it."""
        row, outline = (self.layer, self.other()), outline_of(given)
        members = [layer.as_member() for layer in row]
        foreseen = row[0].join_outlines(row, outline, [m.leaves(outline) for m in members])
        _check_slate(given, ran.slate, foreseen, makes=self.layer.makes)
        _check_plan([call for member in members for call in member.plan(outline)], ran)

    def test_leaves_what_it_says(self) -> None:
        given = self.slate()
        ran = self.run(given)
        self.check_slate(given, ran.slate)
        self.check_plan(given, ran)

    def test_never_changes_its_input(self) -> None:
        given = self.slate()
        before = copy.deepcopy(given)
        self.run(given)
        assert given == before

    def test_same_inputs_give_the_same_output(self) -> None:
        first = self.run()
        assert self.run().slate == first.slate
        assert self.run(uneven=True).slate == first.slate

    def test_what_ran_once_need_not_run_again(self) -> None:
        """Programs and their order hang on the slate and the replies alone."""
        recorder = Recorder(shared_sandbox())
        first = run(self.layer, self.slate(), self.reply, runner=recorder)
        replayer = Replayer(recorder.executions)
        again = run(self.layer, self.slate(), self.reply, uneven=True, runner=replayer)
        assert again.slate == first.slate

    @pytest.mark.parametrize("texts", [("The answer is 7.",), ("The answer is 7.",) * 4])
    def test_takes_a_lone_candidate_and_equal_ones(self, texts: tuple[str, ...]) -> None:
        """A layer before it may have dropped all but one, whatever `needs` says."""
        given = self.slate(texts)
        ran = self.run(given)
        self.check_slate(given, ran.slate)
        self.check_plan(given, ran)

    def test_keeps_prompts_under_their_cap(self) -> None:
        """Ten kilobytes, and as many tokens as a cap of 4096 cannot hold, in each text."""
        long = "x " * 5_000
        given = self.slate([f"{index} {long}" for index in range(4)])
        message = replace(given.question.messages[-1], content=long)
        question = replace(given.question, messages=(*given.question.messages[:-1], message))
        ran = self.run(replace(given, question=question))
        self.check_plan(given, ran)
        plan = self.layer.plan(outline_of(given))
        if plan and all(call.max_prompt_tokens < 5_000 for call in plan):
            assert ran.slate.fallbacks, "a prompt was cut and nothing recorded it"

    def test_foresees_the_length_of_its_prompts(self) -> None:
        """Frame, question and quotes add up: what a budget's expected cost is built on."""
        given = self.slate([f"{index} " + "word " * 49 for index in range(4)])
        ran = self.run(given)
        critiques = sum(len((c.critique or "").split()) for c in given.candidates)
        lengths = defaultdict(float, {"source": 50.0, "critic": float(critiques)})
        for test in given.unit_tests:
            lengths[f"tester/{test.kind}"] += len(test.text.split())
        for call in ran.used:
            lengths[call.role] = sum(call.completion_tokens) / len(call.completion_tokens)
        spoken = sum(1 + len(m.content.split()) for m in given.question.messages)
        for planned in self.layer.plan(outline_of(given)):
            quoted = sum(count * lengths[call.role] for call, count in planned.quotes)
            foreseen = spoken + len(planned.frame.split()) + quoted
            for call in ran.used:
                if call.role == planned.role:
                    assert call.prompt_tokens == pytest.approx(foreseen, rel=0.05, abs=5)

    def test_plans_only_calls_to_its_models(self) -> None:
        plan = self.layer.plan(outline_of(self.slate()))
        assert {call.model for call in plan} == self.layer.models()
        assert all(isinstance(text, str) for text in self.layer.prompt_texts())
        assert bool(self.layer.prompt_texts()) == any(not call.scoring for call in plan)

    def test_canonical_form_is_one_and_does_the_same(self) -> None:
        given = outline_of(self.slate())
        canonical = self.layer.canonical(given)
        assert canonical.canonical(given) == canonical
        assert run(canonical, self.slate(), self.reply).slate == self.run().slate

    @pytest.mark.parametrize("exclude_defaults", [False, True])
    def test_survives_a_round_trip_through_yaml(self, exclude_defaults: bool) -> None:
        data = self.layer.model_dump(mode="json", exclude_defaults=exclude_defaults)
        text = yaml.safe_dump({**data, "type": self.layer.type})
        assert LAYERS.parse(yaml.safe_load(text), where="test") == self.layer

    def test_survives_malformed_replies(self) -> None:
        """Two hundred of them: a slate each time, and a record where a reply was blank."""
        for text in malformed() if self.layer.models() else ():
            # Two will do for ten megabytes, which take seconds.
            given = self.slate(self.texts[:2] if len(text) > 1_000_000 else self.texts)
            ran = run(self.layer, given, _always(text))
            self.check_slate(given, ran.slate)
            self.check_plan(given, ran)
            if self.parses_replies and text in BLANK:
                assert ran.slate.fallbacks, f"nothing recorded the blank reply {text!r}"

    def test_survives_malformed_candidates(self) -> None:
        """What one layer makes of a malformed reply the next one must take."""
        texts = [text for text in malformed() if len(text) < 100_000]
        for start in range(0, len(texts), 4):
            given = self.slate(texts[start : start + 4])
            ran = self.run(given)
            self.check_slate(given, ran.slate)
            self.check_plan(given, ran)

    def test_hands_the_unit_tests_through(self) -> None:
        """Any later layer may show them or judge by them, whether or not this one uses them."""
        facets = self.layer.needs() | {Facet.UNIT_TESTS, Facet.TEST_RESULTS}
        given = slate_of(self.texts, facets=facets)
        ran = self.run(given)
        self.check_slate(given, ran.slate)
        self.check_plan(given, ran)
        assert ran.slate.unit_tests, "the unit tests were lost"

    def test_keeps_its_promises_side_by_side(self) -> None:
        """In a row of two, whoever answers first and whatever they say."""
        if not self.layer.side_by_side:
            return
        row = (self.layer, self.other())
        given = self.slate()
        before = copy.deepcopy(given)
        ran = run_row(row, given, self.reply)
        self.check_row(given, ran)
        assert given == before
        assert run_row(row, given, self.reply, uneven=True).slate == ran.slate
        for text in ("", "Correct", "[2] > [1]", "Test 1: Failed"):
            self.check_row(given, run_row(row, given, _always(text)))
        for texts in ((self.texts[0],), (self.texts[0],) * 4):
            few = self.slate(texts)
            self.check_row(few, run_row(row, few, self.reply))


def _check_slate(given: Slate, left: Slate, foreseen: Outline, *, makes: bool) -> None:
    assert left.question is given.question
    assert left.candidates
    assert left.fallbacks[: len(given.fallbacks)] == given.fallbacks
    for note in left.fallbacks[len(given.fallbacks) :]:
        assert note.path == PATH or note.path.startswith(f"{PATH}/")
    before = Counter((c.text, c.origin) for c in given.candidates)
    if makes:
        for candidate in left.candidates:
            made = candidate.origin.path == PATH or candidate.origin.path.startswith(f"{PATH}/")
            assert made or (candidate.text, candidate.origin) in before
    else:
        after = Counter((c.text, c.origin) for c in left.candidates)
        assert after <= before, "a candidate was changed, added or doubled"
    assert len(left.candidates) <= foreseen.candidates
    for facet in foreseen.facets:
        assert all(map(HOLDS[facet], left.candidates)), f"not every candidate has {facet}"
    for kind in ("statement", "program"):
        assert sum(test.kind == kind for test in left.unit_tests) <= foreseen.tests(kind)
    for candidate in left.candidates:
        assert candidate.passed is None or len(candidate.passed) == len(left.unit_tests)


def _check_plan(planned: Sequence[PlannedCall], ran: Run) -> None:
    plan = _by_role(planned)
    used = _by_role(ran.used)
    assert used.keys() <= plan.keys(), "a call has another model or role than was planned"
    for role, calls in used.items():
        assert len({call.prompt for call in calls}) <= sum(call.prompts for call in plan[role])
        drawn = sum(len(call.completion_tokens) for call in calls)
        assert drawn <= sum(call.completions for call in plan[role])
        cap = max(call.max_prompt_tokens for call in plan[role])
        assert all(call.prompt_tokens <= cap for call in calls)
    for role, requests in _by_role(ran.asked).items():
        most = max(call.max_tokens for call in plan[role])
        assert all(request.max_tokens <= most for request in requests)


def _always(text: str) -> Script:
    return lambda request, seed: text


def _by_role(calls: Iterable[Call]) -> dict[tuple[str, str], list[Call]]:
    """Calls by model and role: what lengths are learned by, and what a plan is matched by."""
    grouped: dict[tuple[str, str], list[Call]] = {}
    for call in calls:
        grouped.setdefault((call.model, call.role), []).append(call)
    return grouped
