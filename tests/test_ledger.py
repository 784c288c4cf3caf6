"""The ledger keeps what was finished, whatever became of the process or its file."""

import os
import sqlite3

import pytest

from archsearch.errors import RunError
from archsearch.ledger import SCHEMA, Ledger
from archsearch.testing.ledger_contract import LedgerContract
from archsearch.types import Measured


class TestInAFolder(LedgerContract):
    @pytest.fixture
    def place(self, tmp_path):
        return tmp_path / "run", None


class TestOnAServer(LedgerContract):
    @pytest.fixture
    def place(self, tmp_path, server):
        return tmp_path / "run", server


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
    with pytest.raises(RunError, match=rf"must be of schema {SCHEMA}; .* is of schema 99"):
        Ledger(tmp_path)


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"needs a folder that it may write to; .*; choose another"):
        Ledger(tmp_path / "file" / "run")
