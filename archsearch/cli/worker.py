"""`archsearch worker`: a process that evaluates for a search."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from archsearch.cli.app import INTERRUPTED, UnsafeExec, clean


def worker(
    run: Annotated[str, typer.Argument(help="Run folder, or the address that the search shows.")],
    nursery: Annotated[bool, typer.Option("--nursery", hidden=True)] = False,
    unsafe_exec: UnsafeExec = False,
) -> None:
    """Evaluate questions of a running search, until it is over.

    Examples:

      archsearch worker runs/my_study

      archsearch worker 'postgresql://me@host/runs#my_study'
    """
    from archsearch import collector
    from archsearch.search import processes
    from archsearch.search.worker import prepare, work

    def begin(*, attached: bool) -> None:
        try:
            asyncio.run(work(run, attached=attached, unsafe=unsafe_exec))
        except (KeyboardInterrupt, asyncio.CancelledError):
            raise typer.Exit(INTERRUPTED) from None

    def status() -> int:
        try:
            clean(begin)(attached=True)
        except typer.Exit as end:
            return end.exit_code
        return 0

    prepare()
    collector.spare()
    if nursery:
        processes.nursery(status)
    else:
        begin(attached=False)
