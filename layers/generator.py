"""Generator: an ensemble of models x temperatures x prompt styles x samples.

Archon (arXiv 2409.15254, section 3.1) samples each model of an ensemble on the raw conversation;
here temperature and prompt style are choices of the same standing, since repeated sampling gains
from both (Brown et al. 2024, arXiv 2407.21787).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, ClassVar, Literal

from archsearch.answering import AnsweringLayer
from archsearch.layer import Calls, Layer, Outline, PlannedCall
from archsearch.types import Slate


class Generator(AnsweringLayer):
    """Question -> `samples` candidates, in sample order. Earlier candidates are left behind.

    In a file, `model`, `temperature` and `style` also take lists: they stand for a row of
    generators side by side, models outermost, styles innermost.
    """

    makes: ClassVar[bool] = True
    side_by_side: ClassVar[bool] = True
    listable: ClassVar[tuple[str, ...]] = ("model", "temperature", "style")

    type: Literal["generator"] = "generator"

    @classmethod
    def expand(cls, data: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
        """One entry for each combination of the listed models, temperatures and styles."""
        rows = [
            [(key, value) for value in data[key]]
            for key in cls.listable
            if isinstance(data.get(key), (list, tuple))
        ]
        return [{**data, **dict(choice)} for choice in product(*rows)]

    def leaves(self, given: Outline) -> Outline:
        """Its own candidates, without facets; unit tests stay."""
        calls = self.plan(given)
        return Outline(
            candidates=calls[0].completions,
            sources=calls,
            unit_tests=given.unit_tests,
        )

    def plan(self, given: Outline) -> tuple[PlannedCall, ...]:
        """One request for all samples."""
        return (self.planned(given),)

    def merged(self, after: Layer) -> Layer | None:
        """Equal generators side by side are one with the samples of both."""
        return self.merged_samples(after) if self.temperature > 0 else None

    async def __call__(self, slate: Slate, calls: Calls) -> Slate:
        """Draws the samples."""
        request, notes = await self.request(slate, calls)
        candidates = tuple(
            self.candidate(completion, calls.path, index)
            for index, completion in enumerate(await calls.complete(request))
        )
        return slate.with_candidates(candidates).noting(*notes)
