"""What layers share that put candidates in order: what is judged, what is kept, several judges.

Several of one type side by side are judges of the same candidates. Their scores may stand on
different scales, and one may be stricter than another, so only the order that each puts the
candidates in counts: the joint score is the mean of their Borda counts (de Borda 1784, Mémoire sur
les élections au scrutin).
"""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any, ClassVar, NamedTuple, Self

from pydantic import Field

from archsearch import prompts
from archsearch.asking import AskingLayer
from archsearch.layer import Calls, Facet, Layer, Outline, PlannedCall, added_notes
from archsearch.types import Candidate, Completion, Fallback, Question, Request, Slate

ALL = 2**31 - 1
"""A `keep` that no slate reaches."""


class Shown(NamedTuple):
    """What a judge sees of a candidate."""

    text: str
    critique: str = ""
    """Blank unless critiques are shown."""


Judgement = tuple[Sequence[float], Sequence[Fallback]]
"""A score beside each text judged, the higher the better, and what the judge left open."""


class RankingLayer(Layer):
    """Candidates -> the `keep` best, best first, each with a score; all else stays with them.

    Each distinct text is judged once: no answer gains by being repeated. Candidates of one text
    share its score and stay together in their order; texts of one score keep theirs.

    Several side by side: each puts all candidates in order, a candidate's score is the mean over
    the judges of `borda_counts`, and the largest `keep` among them holds. Abstract: a layer type
    says how it judges.
    """

    side_by_side: ClassVar[bool] = True

    keep: int = Field(default=1, ge=1)
    """How many candidates go on; more than there are keeps all."""

    @abstractmethod
    async def judge(self, shown: Sequence[Shown], question: Question, calls: Calls) -> Judgement:
        """A score of each of the distinct texts, in their order."""

    def shown(self, candidate: Candidate) -> Shown:
        """What it sees of a candidate; candidates of which it sees the same are judged as one."""
        return Shown(candidate.text)

    def needs(self) -> frozenset[Facet]:
        """Several candidates: of one there is nothing to choose."""
        return frozenset({Facet.SEVERAL})

    def leaves(self, given: Outline) -> Outline:
        """The best of the candidates, with scores."""
        keep = min(self.keep, given.candidates)
        return replace(given, candidates=keep, facets=given.facets | {Facet.SCORES})

    def canonical(self, given: Outline) -> Self:
        """It keeps no more than there are."""
        return self.model_copy(update={"keep": min(self.keep, given.candidates)})

    def as_member(self) -> Self:
        """A judge that keeps all: the mean of the scores decides who goes on."""
        return self.model_copy(update={"keep": ALL})

    def merged(self, after: Layer) -> Layer | None:
        """Judges that differ only in `keep` are one: they say the same."""
        if not isinstance(after, RankingLayer):
            return None
        both = self.model_copy(update={"keep": max(self.keep, after.keep)})
        return both if after.model_copy(update={"keep": both.keep}) == both else None

    @classmethod
    def join(cls, row: Sequence[Layer], given: Slate, left: Sequence[Slate], path: str) -> Slate:
        """The candidates of `given` by the mean of their Borda counts, cut to the largest keep."""
        counts = [
            dict(zip(map(_unscored, slate.candidates), borda_counts(slate.candidates), strict=True))
            for slate in left
        ]
        scored = [
            candidate.with_score(fmean(count[_unscored(candidate)] for count in counts))
            for candidate in given.candidates
        ]
        kept = best_first(scored)[: _largest_keep(row)]
        return given.with_candidates(kept).noting(*added_notes(given, left))

    @classmethod
    def join_outlines(
        cls, row: Sequence[Layer], given: Outline, left: Sequence[Outline]
    ) -> Outline:
        """As many of the candidates as the largest `keep`, with scores."""
        return replace(left[0], candidates=min(_largest_keep(row), given.candidates))

    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        """Has each distinct text judged, and puts the candidates in that order."""
        shown = list(dict.fromkeys(map(self.shown, slate.candidates)))
        scores, notes = await self.judge(shown, slate.question, calls)
        score = dict(zip(shown, scores, strict=True))
        scored = [c.with_score(score[self.shown(c)]) for c in slate.candidates]
        return slate.with_candidates(best_first(scored)[: self.keep]).noting(*notes)


class AskingRankingLayer(RankingLayer, AskingLayer):
    """A ranking layer whose judge is a language model, which replies in words. Abstract too."""

    template: ClassVar[Path]
    """The file of its template."""

    max_tokens: int = Field(default=256, ge=1)
    critiques: bool = False
    """Shows the judge each candidate's critique."""
    prompt: prompts.PromptText | None = None
    """A template of your own (variables: `question`, `answers`: a list of those that one prompt
    shows, `critiques`: a list beside it, empty unless shown)."""

    def needs(self) -> frozenset[Facet]:
        """Several candidates; their critiques too where they are shown."""
        return super().needs() | ({Facet.CRITIQUES} if self.critiques else set())

    def shown(self, candidate: Candidate) -> Shown:
        """Its text and, where asked for, its critique."""
        return Shown(candidate.text, (candidate.critique or "") if self.critiques else "")

    def merged(self, after: Layer) -> Layer | None:
        """At temperature 0 alone: otherwise equal judges draw replies of their own."""
        return super().merged(after) if self.temperature == 0 else None

    def prompt_texts(self) -> tuple[str, ...]:
        """The template."""
        return (self._template,)

    def planned_showing(
        self, shown: int, given: Outline, *, count: int = 1, **settings: Any
    ) -> PlannedCall:
        """`count` prompts that each show as many as `shown` candidates."""
        critiques = given.quoting_critiques(shown) if self.critiques else ()
        return self.planned(
            self._role,
            self._template,
            texts=self._texts([Shown("")] * shown),
            quotes=(*given.quoting(shown), *critiques),
            count=count,
            **settings,
        )

    async def request_showing(
        self, shown: Sequence[Shown], question: Question, calls: Calls, **settings: Any
    ) -> tuple[Request, tuple[Fallback, ...]]:
        """One prompt that shows these, and a note where it had to be cut."""
        return await self.request(
            calls, question, self._role, self._template, texts=self._texts(shown), **settings
        )

    async def ask_showing(
        self, shown: Sequence[Shown], question: Question, calls: Calls
    ) -> tuple[Completion, tuple[Fallback, ...]]:
        """The reply to it."""
        request, notes = await self.request_showing(shown, question, calls)
        (completion,) = await calls.complete(request)
        return completion, notes

    def _texts(self, shown: Sequence[Shown]) -> dict[str, list[str]]:
        critiques = [one.critique for one in shown] if self.critiques else []
        return {"answers": [one.text for one in shown], "critiques": critiques}

    @property
    def _role(self) -> str:
        return f"{self.type}/plain" if self.prompt is None else f"{self.type}/own"

    @property
    def _template(self) -> str:
        return self.prompt if self.prompt is not None else prompts.load(self.template)


def best_first(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Scored candidates, the highest score first; of one score, text by text as they came."""
    place = {text: at for at, text in enumerate(dict.fromkeys(c.text for c in candidates))}
    return tuple(sorted(candidates, key=lambda c: (-_score(c), place[c.text])))


def borda_counts(candidates: Sequence[Candidate]) -> list[float]:
    """Beside each scored candidate 1 - r / n, where its text stands r-th of n texts from 0 on, so
    in [0, 1]. Texts of one score share the mean of their places.

    >>> from archsearch.types import Origin
    >>> made = Origin(model="m", path="0.generator", index=0)
    >>> scored = zip("abcb", (0.5, 9.0, 0.5, 9.0))
    >>> borda_counts([Candidate(text=t, origin=made, score=score) for t, score in scored])
    [0.5, 1.0, 0.5, 1.0]
    """
    texts = {(candidate.text, _score(candidate)) for candidate in candidates}
    tied = Counter(score for _, score in texts)
    count, above = dict[float, float](), 0
    for score in sorted(tied, reverse=True):
        count[score] = 1 - (above + (tied[score] - 1) / 2) / len(texts)
        above += tied[score]
    return [count[_score(candidate)] for candidate in candidates]


def _score(candidate: Candidate) -> float:
    return candidate.score or 0.0


def _unscored(candidate: Candidate) -> Candidate:
    return candidate.with_score(None)


def _largest_keep(row: Sequence[Layer]) -> int:
    return max(layer.keep for layer in row if isinstance(layer, RankingLayer))
