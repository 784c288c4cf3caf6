"""Runs programs in this very process: for honest ones only, as a second opinion on verdicts.

It behaves like the sandbox in everything but containment: values leave as plain data, a second
program knows the first through its functions alone.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Mapping
from contextlib import redirect_stdout, suppress
from typing import Any
from unittest import mock

from archsearch.program import Call, Execution, Program, Reply

PLAIN = (type(None), bool, int, float, complex, str, bytes, list, tuple, set, frozenset, dict)


class Honest:
    """Counts what it runs."""

    def __init__(self) -> None:
        self.programs: list[Program] = []

    async def __call__(self, program: Program) -> Execution:
        self.programs.append(program)
        imported = bool(program.calls or program.test)
        names: dict[str, Any] = {"__name__": "program" if imported else "__main__"}
        said = io.StringIO()
        try:
            with mock.patch("sys.stdin", io.StringIO(program.stdin)), redirect_stdout(said):
                exec(program.source, names)  # noqa: S102 - honest ones only
                if program.test:
                    proxies = {name: _proxy(names, name) for name in program.functions}
                    exec(program.test, proxies)  # noqa: S102
        except AssertionError as error:
            return Execution(status="wrong", tier="honest", error=f"AssertionError: {error}")
        except (Exception, SystemExit) as error:  # noqa: BLE001
            return Execution(status="exception", tier="honest", error=_named(error))
        replies: list[Reply] = []
        for call in program.calls:
            with suppress(SystemExit):
                replies.append(_reply(names, call))
                continue
            return Execution(
                status="exception", tier="honest", replies=tuple(replies), error="SystemExit"
            )
        return Execution(status="ok", tier="honest", replies=tuple(replies), stdout=said.getvalue())


def _proxy(names: Mapping[str, Any], name: str) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        return copy.deepcopy(names[name](*copy.deepcopy(args), **copy.deepcopy(kwargs)))

    return call


def _reply(names: Mapping[str, Any], call: Call) -> Reply:
    try:
        root, *rest = call.function.split(".")
        function = names[root]
        for part in rest:
            function = getattr(function, part)
        value = function(*copy.deepcopy(call.args), **copy.deepcopy(dict(call.kwargs)))
    except Exception as error:  # noqa: BLE001
        return Reply(status="exception", error=_named(error))
    if type(value) not in PLAIN:
        return Reply(status="output", error=f"a {type(value).__name__} is no plain data")
    return Reply(status="ok", value=value)


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"
