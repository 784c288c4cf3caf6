"""The command line: the composition root, the only room that may import everything.

A command a file. What a command alone needs is imported when it runs, so that `--help` is quick.
"""

from __future__ import annotations

import sys

from archsearch.cli.app import app, clean
from archsearch.cli.check import check
from archsearch.cli.curves import curves
from archsearch.cli.evaluate import evaluate
from archsearch.cli.import_archon import import_archon
from archsearch.cli.ls import ls
from archsearch.cli.pool import pool
from archsearch.cli.schema import schema
from archsearch.cli.search import search
from archsearch.cli.worker import worker

__all__ = ["app", "main"]

# In the order in which `--help` shows them.
for command in (search, worker, check, evaluate, pool, curves, ls, schema, import_archon):
    app.command()(clean(command))


def main() -> None:
    """Entry point of the `archsearch` command."""
    # Replies may hold anything; a terminal that cannot show it should not end a search.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    app()
