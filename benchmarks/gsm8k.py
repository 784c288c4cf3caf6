"""GSM8K: grade-school word problems that take two to eight steps of arithmetic.

Cobbe et al. 2021, "Training Verifiers to Solve Math Word Problems", https://arxiv.org/abs/2110.14168
Data: https://huggingface.co/datasets/openai/gsm8k, config `main`, 7473 train and 1319 test
questions. Licence: MIT.

The final number of the reply is compared with the number after `####`, first as spelled, then by
math-verify (https://github.com/huggingface/Math-Verify, Apache-2.0), which also takes 0.333333 for
1/3. The question is asked as it stands; how to ask for the final number is left to the layers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Literal

from pydantic import BaseModel

from archsearch import answers
from archsearch.benchmark import Benchmark, Item
from archsearch.errors import ConfigError, MissingExtra
from archsearch.rows import checked, hub_rows, local_rows, local_text
from archsearch.seeds import digest
from archsearch.types import Message, Question, Score, Target

REVISION = "740312add88f781978c0658806c59bc2815b9866"
"""Commit of openai/gsm8k on the Hugging Face hub."""


class Row(BaseModel):
    """A row as published; other columns are ignored."""

    question: str
    answer: str
    """The worked solution; its last line is `#### N`."""


class GSM8K(Benchmark):
    """GSM8K from the hub, or from a local file in the same format."""

    name: Literal["gsm8k"] = "gsm8k"
    split: Literal["train", "test"] = "test"
    revision: str = REVISION
    path: str | None = None
    """A JSON array or JSON lines of `question` and `answer`, read in place of the hub."""

    def load(self, count: int) -> Sequence[Item]:
        """The first `count` questions of the split. A repeated question counts once."""
        _math_verify()
        items: dict[str, Item] = {}
        for row in self._rows():
            if len(items) == count:
                break
            item = self._item(row)
            items.setdefault(item.question.id, item)
        return tuple(items.values())

    def score(self, text: str, target: Target) -> Score:
        """1 where the final number of `text` equals the reference, else 0."""
        answer = answers.extract("number", text)
        if answer is None:
            return Score(value=0.0, malformed=True, explanation="no number in the reply")
        return Score(value=float(_same_number(target.reference, answer)), answer=answer)

    @property
    def fingerprint(self) -> str:
        """Of a local file the content counts, not the path."""
        if self.path is None:
            return super().fingerprint
        return digest(
            {"benchmark": self.name, "version": self.version, "file": local_text(self.path)}
        )

    def _item(self, row: Row) -> Item:
        _, mark, after = row.answer.rpartition("####")
        reference = answers.extract("number", after)
        if not mark or reference is None:
            raise ConfigError(
                f"a GSM8K answer must end with `#### N`; received {row.answer[-80:]!r}; "
                f"correct that row"
            )
        # Named by its text, so that the hub and any copy of the data give the same splits.
        name = f"{self.name}/{digest(row.question)[:16]}"
        return Item(
            question=Question(
                id=name,
                messages=(Message(role="user", content=row.question),),
                answer_kind="number",
            ),
            target=Target(question_id=name, reference=reference),
        )

    def _rows(self) -> Iterator[Row]:
        if self.path is not None:
            return checked(Row, local_rows(self.path), where=self.path)
        rows = hub_rows("openai/gsm8k", name="main", split=self.split, revision=self.revision)
        return checked(Row, rows, where="openai/gsm8k")


@lru_cache(maxsize=1)
def _math_verify() -> Any:
    try:
        import math_verify
    except ImportError:
        raise MissingExtra("scoring GSM8K", "benchmarks") from None
    for part in ("parser", "grader"):
        logging.getLogger(f"math_verify.{part}").addFilter(_not_about_timeouts)
    return math_verify


def _not_about_timeouts(record: logging.LogRecord) -> bool:
    # It warns that its timeouts are off. They are, because they work by SIGALRM, which only the
    # main thread can take; and two numbers of at most `answers.MAX_NUMBER` characters need none.
    return not str(record.msg).startswith("Timeout is disabled")


def _same_number(reference: str, answer: str) -> bool:
    """Whether two numbers, as `answers.number` spells them, are equal to six places."""
    if answer == reference:
        return True
    library = _math_verify()
    gold, said = (library.parse(number, parsing_timeout=None) for number in (reference, answer))
    return bool(library.verify(gold, said, timeout_seconds=None))
