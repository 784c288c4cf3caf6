"""Architecture x benchmark -> evaluation. The one error boundary: failures become data here.

A wrong answer and a malformed one score 0. A model failure, a sandbox failure, a sample that a
replay lacks or a layer that raised leaves the question unscored; it is attempted again before any
verdict.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Container, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

from archsearch.architecture import Architecture
from archsearch.benchmark import Benchmark, Item, score_of
from archsearch.calls import Walk
from archsearch.cost import Tariffs, Used, measured
from archsearch.dispatch import Dispatcher
from archsearch.errors import (
    ArchsearchError,
    MissingSample,
    ModelError,
    PromptTooLong,
    RequestRejected,
    RunError,
    SandboxFailed,
)
from archsearch.types import Candidate, Failure, Fallback, Measured, Score, Slate, total

REFUSED = "request rejected: "
"""How the explanation of a question begins that scores 0 as a model refused some request for it."""
AT_ONCE = 256
"""Questions of one architecture under way at once at least: few enough to keep memory flat."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one question."""

    question_id: str
    result: Score | Failure
    text: str = ""
    """The answer as given."""
    used: tuple[Used, ...] = ()
    cost: Measured = field(default_factory=Measured)
    """What the question needed, whoever paid for it."""
    fallbacks: tuple[Fallback, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Outcomes of one architecture, in the order of its questions."""

    outcomes: tuple[Outcome, ...]

    @property
    def scores(self) -> dict[str, float]:
        """Score of each scored question, by question id, in order."""
        return {
            outcome.question_id: outcome.result.value
            for outcome in self.outcomes
            if isinstance(outcome.result, Score)
        }

    @property
    def failures(self) -> dict[str, Failure]:
        """Questions that could not be scored."""
        return {
            outcome.question_id: outcome.result
            for outcome in self.outcomes
            if isinstance(outcome.result, Failure)
        }

    def cost_on(self, questions: Container[str]) -> Measured:
        """Mean used cost per scored question among `questions`, told by their ids."""
        chosen = tuple(o for o in self.outcomes if o.question_id in questions)
        return Evaluation(outcomes=chosen).cost

    @property
    def malformed(self) -> int:
        """Questions whose answer could not be read; they score 0."""
        return sum(isinstance(o.result, Score) and o.result.malformed for o in self.outcomes)

    def require_an_answer(self, whom: object) -> None:
        """Raises `RunError`, which names `whom`, where every question was refused: that is no score
        of the architecture, but a model that is not as it was meant to be."""
        said = [o.result.explanation for o in self.outcomes if isinstance(o.result, Score)]
        if said and len(said) == len(self.outcomes) and all(w.startswith(REFUSED) for w in said):
            raise RunError(
                f"{whom} must answer some question; all {len(said)} were refused, the first: "
                f"{said[0].removeprefix(REFUSED)}; correct the model or what it is asked"
            )

    @property
    def fallbacks(self) -> int:
        """Questions on which some layer had to take its way out."""
        return sum(bool(o.fallbacks) for o in self.outcomes)

    @property
    def ways_out(self) -> dict[str, int]:
        """On how many questions a layer took each way out, by its reason, the most frequent
        first."""
        reasons = Counter(
            reason for o in self.outcomes for reason in {note.reason for note in o.fallbacks}
        )
        return dict(reasons.most_common())

    @property
    def mean(self) -> float:
        """Mean score of the scored questions; at least one must be."""
        scores = self.scores.values()
        return sum(scores) / len(scores)

    @property
    def cost(self) -> Measured:
        """Mean used cost per scored question."""
        costs = [o.cost for o in self.outcomes if isinstance(o.result, Score)]
        return total(Measured, costs).scaled(1 / len(costs)) if costs else Measured()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluator:
    """Walks questions through architectures and has the benchmark score what comes out."""

    benchmark: Benchmark
    dispatcher: Dispatcher
    tariffs: Tariffs
    replicate: int = 0

    async def outcome(self, architecture: Architecture, item: Item) -> Outcome:
        """One question, walked and scored. Raises only what concerns the whole run: a budget that
        is used up, a faulty configuration, no sandbox that holds."""
        walk = Walk(self.dispatcher, replicate=self.replicate, party=architecture.digest)
        answer: Candidate | None = None
        fallbacks: tuple[Fallback, ...] = ()
        try:
            slate = await architecture.step()(Slate(question=item.question), walk)
            answer, fallbacks = slate.candidates[0], slate.fallbacks
            result: Score | Failure = await score_of(
                self.benchmark, answer.text, item.target, Walk(self.dispatcher).execute
            )
        except RequestRejected as error:
            # It would be rejected again: the architecture's own fault, so it is scored.
            result = Score(value=0.0, malformed=True, explanation=f"{REFUSED}{error}")
        except ModelError as error:
            result = Failure(kind="model", message=str(error))
        except SandboxFailed as error:
            result = Failure(kind="sandbox", message=str(error))
        except MissingSample as error:
            result = Failure(kind="missing", message=str(error))
        except PromptTooLong as error:
            # Of this architecture, and perhaps of this question alone: others go on.
            result = Failure(kind="layer", message=str(error))
        except ArchsearchError:
            raise
        except Exception as error:  # noqa: BLE001 - a layer may be anybody's code
            result = Failure(kind="layer", message=f"{type(error).__name__}: {error}")
        return Outcome(
            question_id=item.question.id,
            result=result,
            text=answer.text if answer else "",
            used=walk.used,
            cost=measured(walk.used, self.tariffs, cpu_seconds=walk.cpu_seconds),
            fallbacks=fallbacks,
        )

    async def outcomes(
        self, architecture: Architecture, items: Iterable[Item]
    ) -> AsyncIterator[Outcome]:
        """Outcomes as they come; items are taken as needed, so there may be any number of them."""
        # So many that one is ready wherever a place becomes free, up to the last of them.
        at_once = max(AT_ONCE, 8 * self.dispatcher.capacity)
        waiting, running = iter(items), set[asyncio.Task[Outcome]]()
        done: asyncio.Queue[asyncio.Task[Outcome]] = asyncio.Queue()
        try:
            while True:
                for item in islice(waiting, at_once - len(running)):
                    task = asyncio.ensure_future(self.outcome(architecture, item))
                    task.add_done_callback(done.put_nowait)
                    running.add(task)
                    await asyncio.sleep(0)  # its first calls go out before the next one begins
                if not running:
                    return
                task = await done.get()
                running.remove(task)
                yield task.result()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def evaluate(self, architecture: Architecture, items: Sequence[Item]) -> Evaluation:
        """All of `items`, in their order."""
        by_id = {o.question_id: o async for o in self.outcomes(architecture, items)}
        return Evaluation(outcomes=tuple(by_id[item.question.id] for item in items))
