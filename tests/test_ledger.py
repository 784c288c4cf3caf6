"""The ledger keeps what was finished, whatever became of the process."""

import os
import signal
import sqlite3
import subprocess
import sys

import pytest

from archsearch.cost import Used
from archsearch.errors import RunError
from archsearch.evaluate import Outcome
from archsearch.ledger import Ledger
from archsearch.types import Failure, Fallback, Measured, Score

OUTCOME = Outcome(
    question_id="q",
    result=Score(value=0.5, answer="4", explanation="half"),
    text="4 \udcff \x00",
    used=(Used(role="r", model="m", prompt="p", prompt_tokens=3, completion_tokens=(1, 2)),),
    cost=Measured(flops=1.5, prompt_tokens=3, completion_tokens=3, calls=2),
    fallbacks=(Fallback(path="0.ranker", reason="order kept"),),
)
FAILED = Outcome(question_id="f", result=Failure(kind="model", message="down"))


def test_outcomes_come_back_as_they_were(tmp_path):
    with Ledger(tmp_path) as ledger:
        ledger.record_outcome("d", OUTCOME)
    with Ledger(tmp_path) as ledger:
        assert ledger.outcomes("d") == {"q": OUTCOME}
        assert ledger.outcomes("other") == {}


def test_a_failure_is_to_be_tried_again(tmp_path):
    with Ledger(tmp_path) as ledger:
        ledger.record_outcome("d", FAILED)
        assert ledger.outcomes("d") == {}
        ledger.record_outcome("d", Outcome(question_id="f", result=Score(value=1.0)))
        assert ledger.outcomes("d")["f"].result == Score(value=1.0)


def test_the_first_value_of_a_fact_is_settled(tmp_path):
    with Ledger(tmp_path) as ledger:
        assert ledger.settle("seed", 1) == 1
        assert ledger.settle("seed", 2) == 1
        ledger.note("seed", 3)
        assert ledger.settle("seed", 2) == 3


def test_proposals_and_charges_come_back(tmp_path):
    with Ledger(tmp_path) as ledger:
        ledger.record_asked(0, {"origin": "sampler", "params": {"a": 1}})
        ledger.record_charges({"k": Measured(flops=2.0)})
        ledger.record_charges({"k": Measured(flops=3.0)})
    with Ledger(tmp_path) as ledger:
        assert ledger.asked(0) == {"origin": "sampler", "params": {"a": 1}}
        assert ledger.asked(1) is None
        assert ledger.charged() == Measured(flops=2.0)


def test_a_second_holder_is_refused(tmp_path):
    with Ledger(tmp_path), pytest.raises(RunError, match="held by one process at a time"):
        Ledger(tmp_path)
    Ledger(tmp_path).close()


WRITER = """
import sys
from pathlib import Path
from archsearch.evaluate import Outcome
from archsearch.ledger import Ledger
from archsearch.types import Score

ledger = Ledger(Path(sys.argv[1]))
for number in range(10**9):
    ledger.record_outcome("d", Outcome(question_id=str(number), result=Score(value=1.0)))
    print(number, flush=True)
"""


def test_nothing_acknowledged_is_lost_when_the_process_is_killed(tmp_path):
    for _ in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        ) as writer:
            for _ in range(50):
                acknowledged = int(writer.stdout.readline())
            os.kill(writer.pid, signal.SIGKILL)
        with Ledger(tmp_path) as ledger:  # the lock went with its holder
            assert {str(n) for n in range(acknowledged + 1)} <= ledger.outcomes("d").keys()


def test_a_damaged_file_is_refused_with_the_remedy(tmp_path):
    with Ledger(tmp_path) as ledger:
        for number in range(2000):
            ledger.record_charges({str(number): Measured(flops=float(number))})
    path = tmp_path / "ledger.sqlite"
    data = bytearray(path.read_bytes())
    data[5000:9000] = os.urandom(4000)
    path.write_bytes(data)
    with pytest.raises(RunError, match="move the run folder away to start again"):
        Ledger(tmp_path)


def test_another_schema_is_refused(tmp_path):
    Ledger(tmp_path).close()
    db = sqlite3.connect(tmp_path / "ledger.sqlite")
    db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(RunError, match=r"must be of schema 3; .* is of schema 99"):
        Ledger(tmp_path)
