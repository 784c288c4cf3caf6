"""Name -> class, for everything that can be added with one file.

A shelf is a package with a module for each class of one kind; module and class are known by the
default of one of its fields (`type: Literal["vote"] = "vote"` in `vote.py`). Third-party packages
add theirs through an entry point in the group named like the shelf.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from inspect import getmembers, isclass
from typing import Any, Generic, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from archsearch.errors import ConfigError, Misfit, UnknownName, suggest

T = TypeVar("T", bound=BaseModel)


class Registry(Generic[T]):
    """The classes of one shelf, by name. A module is imported when its name is looked up."""

    def __init__(self, *, kind: str, shelf: str, base: type[T], key: str) -> None:
        """`kind` is the noun for messages, `shelf` the package and entry-point group, `key` the
        field whose default names a class."""
        self.kind, self.key, self._shelf, self._base = kind, key, shelf, base
        self._own: dict[str, type[T] | None] = {}

    @cached_property
    def classes(self) -> Mapping[str, type[T]]:
        """All classes by name, sorted."""
        own = {name: self._of_module(name) for name in self._modules}
        found = {name: cls for name, cls in own.items() if cls is not None}
        return dict(sorted({**found, **self._third_party}.items()))

    def get(self, name: str) -> type[T]:
        """The class called `name`, or `UnknownName` with the nearest ones."""
        found = self._third_party.get(name) or self._of_module(name)
        if found is None:
            raise UnknownName(self.kind, name, self.classes)
        return found

    def forget(self) -> None:
        """Looks for packages anew, since some were installed or taken away meanwhile."""
        for found in ("classes", "_third_party"):
            self.__dict__.pop(found, None)

    def parse(self, data: Any, *, where: str) -> T:
        """The object that `data`, a mapping with the naming key, describes.

        `where` is the place in the file, for messages. An object of the kind passes through.
        """
        if isinstance(data, self._base):
            return data
        if not isinstance(data, Mapping) or not isinstance(data.get(self.key), str):
            raise ConfigError(
                f"{where} must be a mapping with `{self.key}: NAME`; received {data!r}; "
                f"{self.kind}s: {', '.join(self.classes)}"
            )
        return validate(self.get(data[self.key]), data, where=where)

    @cached_property
    def _modules(self) -> frozenset[str]:
        package = importlib.import_module(self._shelf)
        return frozenset(info.name for info in pkgutil.iter_modules(package.__path__))

    def _of_module(self, name: str) -> type[T] | None:
        """The class that the module called `name` gives; None where it gives none."""
        if name not in self._own:
            self._own[name] = self._load(name) if name in self._modules else None
        return self._own[name]

    def _load(self, name: str) -> type[T] | None:
        module = importlib.import_module(f"{self._shelf}.{name}")
        given: list[Any] = [cls for _, cls in getmembers(module, isclass)]
        own = (cls for cls in given if cls.__module__ == module.__name__)
        return next((cls for cls in own if self._name(cls) == name), None)

    @cached_property
    def _third_party(self) -> Mapping[str, type[T]]:
        """The classes of other packages, by name."""
        found: dict[str, type[T]] = {}
        for point in entry_points(group=self._shelf):
            cls = _loaded(point)
            name = self._name(cls) if isclass(cls) else None
            if name is None:
                raise ConfigError(
                    f"an entry point of group {self._shelf!r} must be a subclass of "
                    f"{self._base.__qualname__} with a default `{self.key}`; received {cls!r}; "
                    f"correct or uninstall its package"
                )
            other = found.setdefault(name, self._of_module(name) or cls)
            if other is not cls:
                raise ConfigError(
                    f"{self.kind} names must be unique; {name!r} is declared by both "
                    f"{other.__module__} and {cls.__module__}; rename or uninstall one"
                )
        return found

    def _name(self, cls: Any) -> str | None:
        """What a class is called; None for one that is not of the kind, or has no name."""
        if not issubclass(cls, self._base):
            return None
        name = cls.model_fields[self.key].default
        return name if isinstance(name, str) else None


def _loaded(point: EntryPoint) -> Any:
    try:
        return point.load()
    except Exception as error:  # whatever another package raises while it is imported
        raise ConfigError(
            f"an entry point must name what can be imported; `{point.name} = {point.value}` of "
            f"group {point.group!r} fails with {type(error).__name__}: {error}; correct or "
            f"uninstall its package"
        ) from error


M = TypeVar("M", bound=BaseModel)


def validate(cls: type[M], data: Any, *, where: str) -> M:
    """`cls` made from plain data; what pydantic finds wrong becomes one readable `ConfigError`, a
    `Misfit` where each value by itself is right."""
    try:
        return cls.model_validate(data)
    except ValidationError as error:
        details = error.errors()
        problems = "; ".join(_problem(cls, detail) for detail in details)
        kind = Misfit if all(map(_is_misfit, details)) else ConfigError
        raise kind(f"{where}: {problems}") from None


def _is_misfit(detail: Any) -> bool:
    return (
        not detail["loc"]
        and detail["type"] == "value_error"
        and not isinstance(detail["ctx"]["error"], UnknownName)
    )


def _problem(cls: type[BaseModel], detail: Any) -> str:
    place = ".".join(str(part) for part in detail["loc"]) or "(all of it)"
    if detail["type"] == "extra_forbidden":
        known = _fields_at(cls, detail["loc"][:-1])
        return f"unknown key {place!r}{suggest(str(detail['loc'][-1]), known) if known else ''}"
    if detail["type"] == "value_error":
        return f"{place}: {detail['ctx']['error']}"
    if detail["type"] == "missing":
        return f"{place!r} is missing"
    return f"{place}: {detail['msg']}; received {detail['input']!r}"


def _fields_at(cls: type[BaseModel], path: Sequence[Any]) -> list[str]:
    """Field names of the model that stands at `path` within `cls`; none where no model does."""
    if not path:
        return list(cls.model_fields)
    inner = cls.model_fields.get(path[0])
    if inner is None:
        return []
    nested = [inner.annotation, *get_args(inner.annotation)]
    return next(
        (_fields_at(n, path[1:]) for n in nested if isclass(n) and issubclass(n, BaseModel)), []
    )
