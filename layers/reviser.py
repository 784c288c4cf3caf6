"""Reviser: the model reads its own earlier answers and writes a better one, again and again.

Sequential revisions (Snell et al. 2024, arXiv 2408.03314, section 6): a chain of answers, each made
with the last four in view. Their model was trained to revise, and still turned about 38 % of its
right answers into wrong ones, so let a vote or a ranker choose from the whole chain. This one is
only asked to, as in Self-Refine (Madaan et al. 2023, arXiv 2303.17651): a stand-in, since Snell et
al. call revision by prompt alone largely ineffective.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import Field

from archsearch import prompts, replies
from archsearch.asking import AskingLayer
from archsearch.layer import Calls, Facet, Outline, PlannedCall
from archsearch.types import Candidate, Fallback, Origin, Slate

_TEMPLATE = Path(__file__).with_suffix(".j2")

BLANK = "revision blank; the answer before it stands"

Chain = tuple[list[Candidate], list[Fallback]]
"""A candidate and its revisions, oldest first, and what was to be noted on the way."""


class Reviser(AskingLayer):
    """Candidates -> those and `rounds` revisions of each, chain after chain; or each chain's last.

    What was said of the candidates stays behind. A blank revision is no answer: the one before it
    stands in for it, under its own origin, which is recorded.
    """

    makes: ClassVar[bool] = True
    side_by_side: ClassVar[bool] = True

    type: Literal["reviser"] = "reviser"
    temperature: float = Field(default=0.7, ge=0, le=2)
    """Above 0 by default: at 0 equal candidates have equal revisions."""
    rounds: int = Field(default=1, ge=1)
    """Revisions of each candidate, one after another."""
    window: int = Field(default=4, ge=1)
    """How many of its chain's last answers a revision sees."""
    leave: Literal["all", "last"] = "all"
    """`all`: the given candidate and its revisions, oldest first. `last`: its last revision."""
    critiques: bool = False
    """Shows the critique of the given candidate as long as that is in view; revisions have none."""
    prompt: prompts.PromptText | None = None
    """A template of your own (variables: `question`, `answers`: oldest first, `critiques`: a list
    beside `answers`, blank where there is none, empty unless shown)."""

    def needs(self) -> frozenset[Facet]:
        """Candidates; their critiques too where they are shown."""
        return frozenset({Facet.CANDIDATES} | ({Facet.CRITIQUES} if self.critiques else set()))

    def leaves(self, given: Outline) -> Outline:
        """Its own candidates and, with `all`, the given ones, without facets; unit tests stay."""
        revisions = self.plan(given)
        every = self.leave == "all"
        return Outline(
            candidates=given.candidates * (self.rounds + 1 if every else 1),
            sources=(*given.sources, *revisions) if every else revisions[-1:],
            unit_tests=given.unit_tests,
        )

    def plan(self, given: Outline) -> tuple[PlannedCall, ...]:
        """For each round one request a candidate, which quotes what the round sees."""
        plan: list[PlannedCall] = []
        for round_ in range(1, self.rounds + 1):
            seen = min(round_, self.window)
            first = round_ <= self.window
            critiques = given.quoting_critiques(1) if first and self.critiques else ()
            revisions = [(call, 1.0) for call in plan[-(seen - first) :]] if seen > first else []
            call = self.planned(
                self._role(round_),
                self._template,
                texts=self._texts([""] * seen, [""] * seen),
                quotes=(*(given.quoting(1) if first else ()), *critiques, *revisions),
                count=given.candidates,
            )
            plan.append(call)
        return tuple(plan)

    def canonical(self, given: Outline) -> Self:
        """It sees no more answers than a chain holds before its last."""
        return self.model_copy(update={"window": min(self.window, self.rounds)})

    def prompt_texts(self) -> tuple[str, ...]:
        """The template."""
        return (self._template,)

    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        """Walks all chains at once."""

        async def walk(at: int, door: Calls) -> Chain:
            return await self._chain(at, slate, calls.path, door)

        chains = await calls.each(range(len(slate.candidates)), walk)
        start = 0 if self.leave == "all" else -1
        left = tuple(candidate for chain, _ in chains for candidate in chain[start:])
        return slate.with_candidates(left).noting(*(note for _, some in chains for note in some))

    async def _chain(self, at: int, slate: Slate, path: str, calls: Calls) -> Chain:
        given = slate.candidates[at]
        critiques = [given.critique or "", *[""] * self.rounds]
        chain = [Candidate(text=given.text, origin=given.origin)]
        notes: list[Fallback] = []
        for round_ in range(1, self.rounds + 1):
            window = slice(max(0, round_ - self.window), round_)
            (completion,), clipped = await self.ask(
                calls,
                slate.question,
                self._role(round_),
                self._template,
                texts=self._texts([c.text for c in chain[window]], critiques[window]),
            )
            notes.extend(clipped)
            if replies.is_blank(completion.text):
                notes.append(Fallback(path=calls.path, reason=BLANK))
                chain.append(chain[-1])
                continue
            origin = Origin(model=self.model, path=path, index=at * self.rounds + round_ - 1)
            chain.append(Candidate(text=completion.text, origin=origin))
        return chain, notes

    def _texts(self, answers: list[str], critiques: list[str]) -> dict[str, list[str]]:
        return {"answers": answers, "critiques": critiques if self.critiques else []}

    def _role(self, round_: int) -> str:
        return f"reviser/{'plain' if self.prompt is None else 'own'}/{round_}"

    @property
    def _template(self) -> str:
        return self.prompt if self.prompt is not None else prompts.load(_TEMPLATE)
