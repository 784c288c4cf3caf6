"""The tree drawn on top of `errors.py` is the tree of classes; messages carry a remedy."""

import inspect
import re

import pytest

from archsearch import errors
from archsearch.errors import (
    ArchsearchError,
    InvalidArchitecture,
    MissingExtra,
    TransientModelError,
    UnknownName,
    suggest,
)

LINE = re.compile(r"^(?P<branch>[│├└─ ]*)(?P<name>[A-Z]\w+)(?: \((?P<also>\w+)\))?(?:  |$)")


def drawn():
    """Name, name of the base above it and the built-in base beside it, of each line drawn."""
    above = []
    for line in errors.__doc__.splitlines():
        # Prose begins with a capital too, but goes on after one space.
        if not (match := LINE.match(line)):
            continue
        depth = len(match["branch"]) // 4
        del above[depth:]
        yield match["name"], above[-1] if above else "Exception", match["also"]
        above.append(match["name"])


def real():
    for name, cls in inspect.getmembers(errors, inspect.isclass):
        if issubclass(cls, Exception) and cls.__module__ == errors.__name__:
            first, *rest = cls.__bases__
            assert len(rest) <= 1
            yield name, first.__name__, rest[0].__name__ if rest else None


def test_the_tree_is_as_drawn():
    # A base of Python's is inherited, and drawn where it comes in.
    assert len(list(drawn())) > 10
    assert sorted(drawn(), key=str) == sorted(real(), key=str)


def test_each_error_says_what_it_is_for():
    for name, _, _ in drawn():
        assert getattr(errors, name).__doc__.strip()


def test_callers_can_catch_what_python_calls_it():
    assert issubclass(UnknownName, ValueError)
    assert issubclass(TransientModelError, RuntimeError)
    assert issubclass(MissingExtra, ImportError)
    assert not issubclass(ArchsearchError, (ValueError, RuntimeError, OSError))


@pytest.mark.parametrize(
    ("name", "known", "tail"),
    [
        ("ranger", ["ranker", "vote"], "; did you mean 'ranker'?"),
        ("fusor", ["fuse", "fuser", "vote"], "; did you mean 'fuser' or 'fuse'?"),
        ("xyz", ["vote", "critic"], "; known: critic, vote"),
        ("xyz", [], "; none are registered"),
    ],
)
def test_the_nearest_names_are_offered(name, known, tail):
    assert suggest(name, known) == tail
    error = UnknownName("layer type", name, iter(known))
    assert str(error) == f"unknown layer type {name!r}{tail}"
    assert (error.kind, error.name, error.known) == ("layer type", name, sorted(known))


def test_an_invalid_architecture_names_layer_need_and_remedy():
    error = InvalidArchitecture("1 (ranker)", "critiques", "put a critic before it")
    assert str(error) == (
        "layer 1 (ranker) needs critiques, which no layer before it leaves; put a critic before it"
    )
    assert (error.layer, error.need) == ("1 (ranker)", "critiques")
    assert error.remedy == "put a critic before it"


def test_a_missing_extra_names_the_command():
    with pytest.raises(ImportError, match=r"^GSM8K needs .*; run: pip install 'archsearch\[x\]'$"):
        raise MissingExtra("GSM8K", "x")


def test_a_transient_error_carries_the_pause_that_was_asked_for():
    assert TransientModelError("busy").retry_after is None
    assert TransientModelError("busy", retry_after=2.5).retry_after == 2.5
