"""Name -> class, for everything that can be added with one file.

A shelf is a package whose modules each define classes of one kind; the class is known by the
default of one of its fields (`type: Literal["vote"] = "vote"`). Third-party packages add theirs
through an entry point in the group named like the shelf.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.metadata import entry_points
from inspect import getmembers, isclass
from typing import Any, Generic, TypeGuard, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from archsearch.errors import ConfigError, UnknownName, suggest

T = TypeVar("T", bound=BaseModel)


class Registry(Generic[T]):
    """The classes of one shelf, by name. Modules are imported at the first look-up."""

    def __init__(self, *, kind: str, shelf: str, base: type[T], key: str) -> None:
        """`kind` is the noun for messages, `shelf` the package and entry-point group, `key` the
        field whose default names a class."""
        self.kind, self.key, self._shelf, self._base = kind, key, shelf, base

    @cached_property
    def classes(self) -> Mapping[str, type[T]]:
        """All classes by name, sorted."""
        found: dict[str, type[T]] = {}
        for cls in (*self._own(), *self._third_party()):
            name = cls.model_fields[self.key].default
            if found.setdefault(name, cls) is not cls:
                raise ConfigError(
                    f"{self.kind} names must be unique; {name!r} is declared by both "
                    f"{found[name].__module__} and {cls.__module__}; rename or uninstall one"
                )
        return dict(sorted(found.items()))

    def get(self, name: str) -> type[T]:
        """The class called `name`, or `UnknownName` with the nearest ones."""
        try:
            return self.classes[name]
        except KeyError:
            raise UnknownName(self.kind, name, self.classes) from None

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

    def _own(self) -> list[type[T]]:
        package = importlib.import_module(self._shelf)
        modules = [
            importlib.import_module(f"{self._shelf}.{info.name}")
            for info in pkgutil.iter_modules(package.__path__)
        ]
        return [
            cls
            for module in modules
            for _, cls in getmembers(module, isclass)
            if cls.__module__ == module.__name__ and self._is_named(cls)
        ]

    def _third_party(self) -> list[type[T]]:
        loaded = [point.load() for point in entry_points(group=self._shelf)]
        for cls in loaded:
            if not (isclass(cls) and self._is_named(cls)):
                raise ConfigError(
                    f"an entry point of group {self._shelf!r} must be a subclass of "
                    f"{self._base.__qualname__} with a default `{self.key}`; received {cls!r}; "
                    f"correct or uninstall its package"
                )
        return loaded

    def _is_named(self, cls: type) -> TypeGuard[type[T]]:
        return issubclass(cls, self._base) and isinstance(cls.model_fields[self.key].default, str)


M = TypeVar("M", bound=BaseModel)


def validate(cls: type[M], data: Any, *, where: str) -> M:
    """`cls` made from plain data; what pydantic finds wrong becomes one readable `ConfigError`."""
    try:
        return cls.model_validate(data)
    except ValidationError as error:
        problems = "; ".join(_problem(cls, detail) for detail in error.errors())
        raise ConfigError(f"{where}: {problems}") from None


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
