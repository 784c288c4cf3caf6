"""What the sandbox and its wardens say to each other: plain data, with the length in front."""

from __future__ import annotations

import struct
from dataclasses import asdict
from typing import Any

from archsearch.program import Call, Limits, Program
from archsearch.sandbox import plain

HEAD = struct.Struct(">I")
MOST_BYTES = 1 << 30
GO = "go"
"""The message on which a warden leaves."""


def pack(value: Any) -> bytes:
    """One message. Raises `plain.NotPlain` for what is no plain data."""
    content = plain.encode(value, MOST_BYTES)
    return HEAD.pack(len(content)) + content


def pack_program(program: Program) -> bytes:
    """A program as a message."""
    calls = [(call.function, call.args, dict(call.kwargs)) for call in program.calls]
    limits = asdict(program.limits)
    texts = (program.source, program.stdin, program.test)
    return pack((*texts, calls, program.functions, limits))


def unpack_program(message: Any) -> Program:
    """The program that `pack_program` packed, from the value of its message."""
    source, stdin, test, calls, functions, limits = message
    return Program(
        source=source,
        stdin=stdin,
        test=test,
        calls=tuple(Call(function=name, args=args, kwargs=more) for name, args, more in calls),
        functions=functions,
        limits=Limits(**limits),
    )
