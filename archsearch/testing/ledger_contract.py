"""What every place for a ledger owes. A test file inherits the class and gives one fixture:

class TestInAFolder(LedgerContract):
    @pytest.fixture
    def place(self, tmp_path) -> Place: ...

Each test gets a place that holds nothing yet.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from archsearch.cost import Used
from archsearch.errors import RunError
from archsearch.evaluate import Outcome
from archsearch.ledger import Ledger
from archsearch.types import Failure, Fallback, Measured, Score

Place = tuple[Path, str | None]
"""The folder of a run, and the server that its ledger is on, if it is on one."""

OUTCOME = Outcome(
    question_id="q",
    result=Score(value=0.5, answer="4", explanation="half"),
    text="4 \udcff \x00",
    used=(Used(role="r", model="m", prompt="p", prompt_tokens=3, completion_tokens=(1, 2)),),
    cost=Measured(flops=1.5, prompt_tokens=3, completion_tokens=3, calls=2),
    fallbacks=(Fallback(path="0.ranker", reason="order kept"),),
)
FAILED = Outcome(question_id="f", result=Failure(kind="model", message="down"))
ACKNOWLEDGED = 50

WRITER = """
import sys
from pathlib import Path
from archsearch.evaluate import Outcome
from archsearch.ledger import Ledger
from archsearch.types import Score

ledger = Ledger(Path(sys.argv[1]), server=sys.argv[2] or None)
for number in range(10**9):
    ledger.record_outcome("d", Outcome(question_id=str(number), result=Score(value=1.0)))
    print(number, flush=True)
"""


def opened(place: Place) -> Ledger:
    """The ledger there."""
    folder, server = place
    return Ledger(folder, server=server)


def _fail_after_a_note(ledger: Ledger) -> None:
    with ledger.database.transaction():
        ledger.note("fact", 1)
        raise ZeroDivisionError


class LedgerContract:
    """A ledger keeps what was finished, whatever becomes of the process."""

    @pytest.fixture
    def place(self) -> Place:
        raise NotImplementedError

    def test_outcomes_come_back_as_they_were(self, place: Place) -> None:
        with opened(place) as ledger:
            ledger.record_outcome("d", OUTCOME)
        with opened(place) as ledger:
            assert ledger.outcomes("d") == {"q": OUTCOME}
            assert ledger.outcomes("other") == {}

    def test_a_failure_is_to_be_tried_again(self, place: Place) -> None:
        with opened(place) as ledger:
            ledger.record_outcome("d", FAILED)
            assert ledger.outcomes("d") == {}
            ledger.record_outcome("d", Outcome(question_id="f", result=Score(value=1.0)))
            assert ledger.outcomes("d")["f"].result == Score(value=1.0)

    def test_the_first_value_of_a_fact_is_settled(self, place: Place) -> None:
        with opened(place) as ledger:
            assert ledger.settle("seed", 1) == 1
            assert ledger.settle("seed", 2) == 1
            ledger.note("seed", 3)
            assert ledger.settle("seed", 2) == 3

    def test_what_was_told_is_told_again(self, place: Place) -> None:
        with opened(place) as ledger:
            assert ledger.settle_told(3, {"value": 0.1}) == {"value": 0.1}
        with opened(place) as ledger:
            assert ledger.settle_told(3, {"value": 0.9}) == {"value": 0.1}

    def test_proposals_and_charges_come_back(self, place: Place) -> None:
        with opened(place) as ledger:
            ledger.record_asked(0, {"origin": "sampler", "params": {"a": 1}})
            ledger.record_charges({"k": Measured(flops=2.0)})
            assert ledger.record_charges(
                {"k": Measured(flops=3.0), "l": Measured(calls=1)}
            ) == Measured(calls=1)
        with opened(place) as ledger:
            assert ledger.asked(0) == {"origin": "sampler", "params": {"a": 1}}
            assert ledger.asked(1) is None
            assert ledger.charged() == Measured(flops=2.0, calls=1)
            assert [ledger.has_all(names) for names in ("", "kl", "lm")] == [True, True, False]

    def test_it_is_bound_by_what_was_paid_for(self, place: Place) -> None:
        with opened(place) as ledger:
            ledger.note("seed", 1)
            ledger.record_asked(0, {"origin": "sampler"})
            assert ledger.unbind()
            assert ledger.asked(0) is None
            assert ledger.settle("seed", 2) == 2
            ledger.record_charges({"k": Measured(flops=2.0)})
            assert not ledger.unbind()
            assert ledger.settle("seed", 3) == 2

    def test_a_transaction_happens_whole_or_not_at_all(self, place: Place) -> None:
        with opened(place) as ledger:
            with pytest.raises(ZeroDivisionError):
                _fail_after_a_note(ledger)
            assert ledger.settle("fact", 2) == 2

    def test_a_second_holder_is_refused(self, place: Place, tmp_path: Path) -> None:
        with opened(place), pytest.raises(RunError, match="held by one process at a time"):
            opened(place)
        opened(place).close()
        if place[1]:  # whatever folder the other one has
            with opened(place), pytest.raises(RunError, match="is in use; wait for it, or choose"):
                opened((tmp_path / "another", place[1]))

    def test_nothing_acknowledged_is_lost_when_the_process_is_killed(self, place: Place) -> None:
        for _ in range(3):
            with subprocess.Popen(  # noqa: S603 - the text above
                [sys.executable, "-c", WRITER, str(place[0]), place[1] or ""],
                stdout=subprocess.PIPE,
                text=True,
            ) as writer:
                assert writer.stdout
                for _ in range(ACKNOWLEDGED):
                    acknowledged = int(writer.stdout.readline())
                os.kill(writer.pid, signal.SIGKILL)
            with opened(place) as ledger:  # the lock went with its holder
                assert {str(n) for n in range(acknowledged + 1)} <= ledger.outcomes("d").keys()
