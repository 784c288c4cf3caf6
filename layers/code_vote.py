"""Code vote: candidates that do the same are one opinion, and the most common one wins.

After the clustering of AlphaCode (Li et al. 2022, "Competition-Level Code Generation with
AlphaCode", arXiv 2203.07814, section 4.6): programs are clustered by their outputs on generated
inputs, and one of each cluster is taken, the largest cluster first. Its inputs come from a model
trained for that; here they are the calls in generated unit tests, whose expected values do not
count. It goes round again after the last cluster; here none follows, as what gives the same outputs
tells a later layer nothing new.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal, Self

from pydantic import Field

from archsearch.code.coding import (
    SECONDS,
    execute_for,
    inputs,
    limits_of,
    outputs,
    program_of,
    program_tests,
)
from archsearch.layer import Calls, Facet, Layer, Outline
from archsearch.types import Candidate, Fallback, Slate

NO_INPUTS = "no call in the unit tests to run programs on; the first kept"
NO_OUTPUTS = "no program gives a value for any call; the first kept"


class CodeVote(Layer):
    """Candidates -> the first of each of the `keep` largest clusters, the largest first; asks no
    model.

    In one cluster are the programs that give equal outputs to every call; that a call raises, and
    which exception, is an output too. Of clusters of one size the one goes first whose first
    candidate does. A candidate without a program, or one that gives a value for no call, belongs to
    no cluster, however many there are like it. Where there is no cluster, the first `keep` stay
    with a score of 0, which is recorded. Else each carries its cluster's share of all candidates as
    `score`.
    """

    type: Literal["code_vote"] = "code_vote"
    keep: int = Field(default=1, ge=1)
    """How many clusters go on."""
    seconds: float = Field(default=SECONDS, gt=0)
    """Wall and CPU time of a program: for all calls, or for one input where it reads and writes."""

    def needs(self) -> frozenset[Facet]:
        """Several candidates, and programs among the unit tests."""
        return frozenset({Facet.SEVERAL, Facet.PROGRAM_TESTS})

    def leaves(self, given: Outline) -> Outline:
        """As many of the candidates as there are clusters, with scores."""
        keep = min(self.keep, given.candidates)
        return replace(given, candidates=keep, facets=given.facets | {Facet.SCORES})

    def canonical(self, given: Outline) -> Self:
        """There are no more clusters than candidates."""
        return self.model_copy(update={"keep": min(self.keep, given.candidates)})

    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        """Runs each distinct program once, on all calls."""
        asked = inputs(program_tests(slate.unit_tests, slate.question))
        program = {c.text: program_of(c.text, slate.question) for c in slate.candidates}

        async def run(source: str, door: Calls) -> str | None:
            execute = execute_for(slate.question, door.execute)
            return await outputs(source, asked, execute, limits=limits_of(self.seconds))

        distinct = list(dict.fromkeys(filter(None, program.values()))) if asked else []
        given = dict(zip(distinct, await calls.each(distinct, run), strict=True))
        largest = _clusters(slate, {text: given.get(one or "") for text, one in program.items()})
        if not largest:
            note = Fallback(path=calls.path, reason=NO_OUTPUTS if asked else NO_INPUTS)
            kept = tuple(replace(one, score=0.0) for one in slate.candidates[: self.keep])
            return slate.with_candidates(kept).noting(note)
        shares = [(cluster[0], len(cluster) / len(slate.candidates)) for cluster in largest]
        return slate.with_candidates(
            tuple(replace(first, score=share) for first, share in shares[: self.keep])
        )


def _clusters(slate: Slate, outputs: Mapping[str, str | None]) -> list[list[Candidate]]:
    """The candidates by the outputs of their texts, the largest cluster first."""
    clusters: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in slate.candidates:
        output = outputs[candidate.text]
        if output is not None:
            clusters[output].append(candidate)
    return sorted(clusters.values(), key=len, reverse=True)
