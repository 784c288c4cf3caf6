"""StudyConfig: on what a space is searched: models, benchmark, budget, settings."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    field_validator,
    model_validator,
)

import archsearch.search_spaces
from archsearch.answering import STYLES
from archsearch.benchmark import BENCHMARKS, Benchmark, Splits, SplitSizes, split
from archsearch.budget import Limits
from archsearch.database import is_server, require_no_password
from archsearch.errors import ConfigError, UnknownName, suggest
from archsearch.models import MODELS
from archsearch.models.base import ModelConfig
from archsearch.patience import Patience
from archsearch.plainfile import parse_plain, read_plain
from archsearch.registry import validate
from archsearch.search.mistakes import require_none
from archsearch.search.places import anchor
from archsearch.search.sampler import SAMPLERS, Objective, SamplerConfig
from archsearch.search.space import SearchSpace

SHELF = Path(archsearch.search_spaces.__path__[0])
"""The spaces and studies that come with archsearch."""


class Budget(BaseModel):
    """A `budget:` entry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    per_question: Limits = Limits()
    """Cap on the mean used cost of an architecture; a proposal expected over it is refused."""
    study: Limits = Limits()
    """Cap on everything the study draws, selection and test included."""


class Baselines(BaseModel):
    """A `baselines:` entry: what every search tries first, for each model and style."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    styles: tuple[str, ...] = Field(default=("plain",), min_length=1)
    temperature: float = Field(default=0.7, gt=0)
    """Of repeated sampling; single calls are greedy."""
    max_samples: int = Field(default=64, ge=2)
    max_tokens: int = Field(default=1024, ge=1)
    max_prompt_tokens: int = Field(default=4096, ge=1)

    @field_validator("styles")
    @classmethod
    def _styles_exist(cls, styles: tuple[str, ...]) -> tuple[str, ...]:
        for style in styles:
            if style not in STYLES:
                raise UnknownName("prompt style", style, STYLES)
        return styles


class Racing(BaseModel):
    """A `search.racing:` entry: when a trial is stopped early."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    block: int = Field(default=10, ge=1)
    """Questions between two looks."""
    risk: float = Field(default=0.01, ge=0, lt=0.5)
    """Probability of overtaking a better and no dearer trial below which one is stopped; 0 lets
    every trial run to its end."""


class SearchSettings(BaseModel):
    """A `search:` entry."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sampler: Annotated[
        SerializeAsAny[SamplerConfig] | None,
        BeforeValidator(lambda data: data and SAMPLERS.parse(data, where="search.sampler")),
    ] = None
    """Unset: `exhaustive` for a space of at most `trials` points, else `tpe`."""
    objective: Objective = "score"
    trials: int = Field(default=64, ge=1)
    """Distinct architectures to evaluate, baselines included."""
    in_flight: int = Field(default=4, ge=1)
    """Trials under way at once: trial t is proposed knowing trials up to t - in_flight."""
    racing: Racing = Racing()
    finalists: int = Field(default=8, ge=1)
    """Best trials that are scored again, on the select split, before one is named. They go by
    blocks of `racing.block` questions, and leave when they will hardly overtake the leader."""

    @model_validator(mode="after")
    def _sampler_fits(self) -> SearchSettings:
        if self.objective == "pareto" and self.sampler and not self.sampler.weighs_several:
            raise ConfigError(
                f"objective 'pareto' needs a sampler of several objectives; {self.sampler.name!r} "
                f"follows one; use tpe, gp, nsga2, random or exhaustive"
            )
        return self


class SandboxSettings(BaseModel):
    """A `sandbox:` entry: where programs that models write are run."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tier: Literal["bwrap", "landlock", "nsjail", "runsc"] | None = None
    """The kind of sandbox; unset, the best that this host gives."""
    processes: int | None = Field(default=None, ge=1)
    """Programs run at once; by default as many as there are cores."""
    packages: tuple[str, ...] = ()
    """Installed packages that programs may import beside the standard library."""


def _models(data: Any) -> Any:
    if not isinstance(data, Mapping) or not data:
        raise ConfigError(f"must map at least one name to a back-end; received {data!r}")
    return {name: MODELS.parse(entry, where=f"models.{name}") for name, entry in data.items()}


def _address(data: Any) -> Any:
    """A path or an address, as text."""
    return require_no_password(os.fspath(data)) if isinstance(data, (str, Path)) else data


class StudyConfig(BaseModel):
    """A study file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    space: SearchSpace
    models: Annotated[dict[str, SerializeAsAny[ModelConfig]], BeforeValidator(_models)]
    benchmark: Annotated[
        SerializeAsAny[Benchmark],
        BeforeValidator(lambda data: BENCHMARKS.parse(data, where="benchmark")),
    ]
    splits: SplitSizes = SplitSizes()
    budget: Budget = Budget()
    search: SearchSettings = SearchSettings()
    baselines: Baselines = Baselines()
    patience: Patience = Patience()
    sandbox: SandboxSettings = SandboxSettings()
    seed: int = Field(default=0, ge=0)
    """Of splits and sampler."""
    store: Annotated[str | None, BeforeValidator(_address)] = None
    """A sample store to share with other studies: a path, or the address of a PostgreSQL server;
    by default the run's own."""
    database: Annotated[str | None, BeforeValidator(_address)] = None
    """A PostgreSQL server for the ledger, and for samples that no other `store` is named for:
    postgresql://USER@HOST/DATABASE. With it workers on other hosts can join."""

    @model_validator(mode="after")
    def _keeps_samples_where_all_workers_are(self) -> StudyConfig:
        if self.database is not None and not is_server(self.database):
            raise ConfigError(
                f"database must be an address such as postgresql://USER@HOST/DATABASE; received "
                f"{self.database!r}; leave it out to keep the ledger in the run folder"
            )
        if self.database is not None and self.store is not None and not is_server(self.store):
            raise ConfigError(
                f"a study with a database must keep its samples on a server too, where workers on "
                f"other hosts find them; store is {self.store!r}; leave it out, or name a server"
            )
        return self

    @model_validator(mode="after")
    def _has_what_dollars_need(self) -> StudyConfig:
        for limits in (self.budget.per_question, self.budget.study):
            for name, model in self.models.items():
                if limits.dollars is not None and model.price is None:
                    raise ConfigError(
                        f"a budget in dollars needs the price of every model; {name!r} has none; "
                        f"give models.{name}.price, or a budget in tokens"
                    )
        return self

    @model_validator(mode="after")
    def _has_models_that_can_be_baselines(self) -> StudyConfig:
        if not self.writers:
            raise ConfigError(
                f"a study needs a model that writes; {', '.join(self.models)} only score; add one"
            )
        prompt, reply = self.baselines.max_prompt_tokens, self.baselines.max_tokens
        for name in self.writers:
            context = self.models[name].context
            if context is not None and prompt + reply > context:
                raise ConfigError(
                    f"baselines must fit the context of every model; that of {name!r} is {context} "
                    f"tokens, and baselines.max_prompt_tokens + baselines.max_tokens is "
                    f"{prompt} + {reply}; lower one, or raise models.{name}.context"
                )
        return self

    @model_validator(mode="after")
    def _has_a_space_that_can_be_read(self) -> StudyConfig:
        require_none(self.space, self.models)
        return self

    @property
    def writers(self) -> list[str]:
        """The models that write text, and so can answer a question alone."""
        return [name for name, model in self.models.items() if model.writes]

    def load_splits(self, kept: Mapping[str, Sequence[str]] | None = None) -> Splits:
        """The questions; `kept` are those that a run has had so far, by split."""
        had = {name: len(ids) for name, ids in (kept or {}).items()}
        sizes = self.splits.model_dump()
        items = self.benchmark.load(
            sum(max(size, had.get(name, 0)) for name, size in sizes.items())
        )
        return split(items, self.splits, seed=self.seed, kept=kept)

    @classmethod
    def read(cls, path: Path, overrides: Sequence[str] = ()) -> StudyConfig:
        """From a YAML or JSON file, with `overrides` such as `search.trials=40` put in first.

        `space` is a mapping, or the name of a file: beside the study file, or one of those that
        come with archsearch. Other local files are looked for there too, and then in the current
        folder, which those of `overrides` are taken from.
        """
        data = _read(path)
        anchor(data, path.parent)
        for override in overrides:
            _put(data, override)
        anchor(data, Path())
        if isinstance(data.get("space"), str):
            data["space"] = SearchSpace.read(find(data["space"], beside=path.parent))
        return validate(cls, data, where=str(path))


def find(name: str, *, beside: Path = Path()) -> Path:
    """A space or study file: a path, or the name of one that comes with archsearch."""
    for candidate in (beside / name, SHELF / name, SHELF / f"{name}.yaml"):
        if candidate.is_file():
            return candidate
    known = [path.name for path in SHELF.glob("*.yaml")]
    raise ConfigError(f"no file {name!r} is here or comes with archsearch{suggest(name, known)}")


def _read(path: Path) -> dict[str, Any]:
    data = read_plain(path, "a study file")
    if not isinstance(data, dict):
        raise ConfigError(f"a study file must be a mapping; {path} holds {type(data).__name__}")
    return data


def _put(data: dict[str, Any], override: str) -> None:
    """`a.b=value` into nested mappings; the value is read as YAML."""
    name, equals, value = override.partition("=")
    *parents, last = name.split(".")
    if not equals or not last:
        raise ConfigError(f"an override must read KEY.KEY=VALUE; received {override!r}")
    place = data
    for key in parents:
        place = place.setdefault(key, {})
        if not isinstance(place, dict):
            raise ConfigError(f"override {override!r}: {key!r} is no mapping in the study file")
    place[last] = parse_plain(value, f"the value of override {name!r}")
