"""What all commands share: the program itself, common options, errors, Ctrl-C."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar

import typer
from rich.console import Console

from archsearch import __version__
from archsearch.errors import ArchsearchError

if TYPE_CHECKING:
    from archsearch.search.config import StudyConfig

P = ParamSpec("P")
T = TypeVar("T")

INTERRUPTED = 130
"""Exit status after Ctrl-C, as shells have it."""

app = typer.Typer(
    name="archsearch",
    help="Finds the best inference-time architecture for a task under a compute budget.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Study = Annotated[str, typer.Argument(help="Study file, or the name of one that ships.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override a value, such as search.trials=40."),
]
Limit = Annotated[int | None, typer.Option(min=1, help="At most so many questions in each split.")]
Replay = Annotated[
    str | None,
    typer.Option(metavar="STORE", help="Open no model; take every sample from this store."),
]
UnsafeExec = Annotated[
    bool,
    typer.Option("--unsafe-exec", help="Run programs that models wrote OUTSIDE any sandbox."),
]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of splits and sampler.")]


def clean(command: Callable[P, None]) -> Callable[P, None]:
    """Errors that archsearch raises on purpose become one line and exit status 1."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except ArchsearchError as error:
            Console(stderr=True).print(
                f"archsearch: {error}", markup=False, highlight=False, soft_wrap=True
            )
            raise typer.Exit(1) from None

    return run


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def study_of(
    name: str, overrides: list[str] | None, *, limit: int | None, seed: int | None
) -> StudyConfig:
    """The study of a file, or of one that ships, with what the options say put in."""
    from archsearch.search.config import StudyConfig, find

    chosen = list(overrides or [])
    if seed is not None:
        chosen.append(f"seed={seed}")
    config = StudyConfig.read(find(name), chosen)
    if limit is None:
        return config
    sizes = config.splits
    return config.model_copy(
        update={
            "splits": sizes.model_copy(
                update={name: min(limit, size) for name, size in sizes.model_dump().items()}
            )
        }
    )


def kept_of(name: str, config: StudyConfig) -> Mapping[str, Sequence[str]]:
    """The questions of the run whose study is named, by split; none where it is no run's."""
    from archsearch.search.config import find
    from archsearch.search.kept import kept_beside

    return kept_beside(find(name), config)


def finished(work: Coroutine[Any, Any, T], told: str = "") -> T:
    """What came of it. Ctrl-C ends it in order, and the program after it, with `told`."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        if told:
            Console().print(told, highlight=False)
        raise typer.Exit(INTERRUPTED) from None


def missing_line(count: int, store: str) -> str:
    """What is to be done about what a replay lacked."""
    return (
        f"{count} samples or prompt lengths are missing in {store}, and more may be behind them; "
        f"the same command with the store to fill (search: --set store={store}; evaluate: --store "
        f"{store}) in place of --replay draws them"
    )
