"""Every error archsearch raises on purpose.

ArchsearchError
├── ConfigError (ValueError)        a file, a flag or an argument breaks a rule
│   ├── UnknownName                 a name that no registry or file declares
│   ├── Misfit                      values that are right one by one do not go together
│   ├── InvalidArchitecture         a layer needs what the layers before it do not leave
│   └── PromptTooLong               a layer's own words fill its `max_prompt_tokens`
├── BudgetExhausted                 the study's cap leaves no room for this draw
├── ModelError (RuntimeError)       a model did not answer
│   ├── TransientModelError         may pass: retried by the one retry owner (`calls`)
│   ├── RequestRejected             would come again (context overflow): never retried
│   └── ModelUnavailable            retries or the deadline are used up
├── MissingSample                   a replay asked for a sample that the store does not hold
├── SandboxError (RuntimeError)     a program was not run
│   ├── SandboxUnavailable          no sandbox that holds can be had here; nothing is run
│   └── SandboxFailed               the sandbox itself failed, time and again
├── RunError (RuntimeError)         a run folder cannot be used as asked
└── MissingExtra (ImportError)      an optional dependency is not installed

Messages name the rule, the value received and the remedy, in that order.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ArchsearchError(Exception):
    """Base of every error that archsearch raises on purpose."""


class ConfigError(ArchsearchError, ValueError):
    """A file, a flag or an argument breaks a rule."""


class UnknownName(ConfigError):
    """A name that no registry or file declares; the message offers the nearest ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, sorted(known)
        super().__init__(f"unknown {kind} {name!r}{suggest(name, self.known)}")


class Misfit(ConfigError):
    """Values that are right one by one do not go together."""


class InvalidArchitecture(ConfigError):
    """A layer needs what the layers before it do not leave on the slate."""

    def __init__(self, layer: str, need: str, remedy: str) -> None:
        self.layer, self.need, self.remedy = layer, need, remedy
        super().__init__(f"layer {layer} needs {need}, which no layer before it leaves; {remedy}")


class PromptTooLong(ConfigError):
    """What a layer itself puts into a prompt is more than its `max_prompt_tokens`."""

    def __init__(self, cap: int, where: str) -> None:
        super().__init__(
            f"max_prompt_tokens must leave room for the prompt itself; {cap} does not at {where}; "
            f"raise it"
        )


class BudgetExhausted(ArchsearchError):
    """The study's cap leaves no room for the upper bound of this draw."""


class ModelError(ArchsearchError, RuntimeError):
    """A model did not answer."""


class TransientModelError(ModelError):
    """A failure that may pass: a dropped connection, an overload, an invalid response.

    `retry_after` is the pause in seconds that the server asked for, if it did; `overload` says that
    it was asked too much at once, so that all had better ask less.
    """

    def __init__(
        self, message: str, *, retry_after: float | None = None, overload: bool = False
    ) -> None:
        self.retry_after, self.overload = retry_after, overload
        super().__init__(message)


class RequestRejected(ModelError):
    """The back-end refused the request itself; the same request would be refused again."""


class ModelUnavailable(ModelError):
    """All attempts failed, or the deadline passed before one succeeded."""


class MissingSample(ArchsearchError):
    """A replay asked for a sample that the store does not hold."""


class SandboxError(ArchsearchError, RuntimeError):
    """A program was not run."""


class SandboxUnavailable(SandboxError):
    """No sandbox that holds can be had on this host, so nothing is run."""


class SandboxFailed(SandboxError):
    """The sandbox itself failed, time and again, which says nothing of the program."""


class RunError(ArchsearchError, RuntimeError):
    """A run folder cannot be used as asked."""


class MissingExtra(ArchsearchError, ImportError):
    """An optional dependency is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs an optional dependency that is not installed; "
            f"run: pip install 'archsearch[{extra}]'"
        )


def suggest(name: str, known: Iterable[str]) -> str:
    """The tail of a message about an unknown name: the nearest known ones, else all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if near:
        return f"; did you mean {' or '.join(repr(n) for n in near)}?"
    return f"; known: {', '.join(names)}" if names else "; none are registered"
