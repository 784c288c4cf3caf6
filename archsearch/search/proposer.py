"""Proposer: asks Optuna for points, tells it results. The only room that knows Optuna's API.

Trial t is asked knowing exactly the trials that were told before, by a sampler of its own seeded
with t, so the same results told in the same order give the same proposals, also after a resume.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from archsearch.errors import RunError
from archsearch.search.sampler import Objective, SamplerConfig
from archsearch.search.seen import ERROR, PAUSED
from archsearch.search.space import Label, Params, SearchSpace
from archsearch.seeds import seed_of

if TYPE_CHECKING:
    import optuna


class Proposer:
    """An in-memory Optuna study, and its mirror on disk that `optuna-dashboard` opens."""

    def __init__(
        self,
        space: SearchSpace,
        sampler: SamplerConfig,
        *,
        seed: int,
        name: str,
        objective: Objective = "score",
        mirror: Path | None = None,
    ) -> None:
        """`mirror` is the study's SQLite file, if there is to be one; it holds finished trials.

        Raises what `SamplerConfig.build` does, before anything is spent."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space, self.sampler, self._seed = space, sampler, seed
        score, cost = optuna.study.StudyDirection.MAXIMIZE, optuna.study.StudyDirection.MINIMIZE
        directions = [score] if objective == "score" else [score, cost]
        self._study = optuna.create_study(
            directions=directions, study_name=name, sampler=sampler.build(seed, space)
        )
        self._mirror = _mirror(mirror, name, directions)
        self._mirrored = len(self._mirror.get_trials(deepcopy=False))
        self._told = 0
        self._asked: dict[int, optuna.Trial] = {}

    def ask(self, number: int, params: Params | None = None) -> Params:
        """The sampler's next point, or `params` as if it had proposed them."""
        # Always ours: a study that is made or loaded without a sampler falls back to Optuna's own.
        seed = seed_of([self._seed, "ask", number])
        self._study.sampler = self.sampler.build(seed, self._space)
        if params is not None:
            self._study.enqueue_trial(params)
        trial = self._study.ask()
        self._asked[number] = trial

        def pick(name: str, labels: Sequence[Label]) -> Label:
            label: Label = trial.suggest_categorical(name, labels)
            return label

        self._space.suggest(pick)
        return dict(trial.params)

    def tell(
        self,
        number: int,
        values: Sequence[float],
        *,
        over: Mapping[str, float],
        error: float | None = None,
        paused: bool = False,
        notes: Mapping[str, Any],
    ) -> None:
        """The result of trial `number`: its score and, where it is an objective, its cost; by how
        much each constraint is violated (<= 0 is kept; every trial must set the same ones); the
        standard error of the score, where there is one; and whether the trial is `paused`, so that
        its point may be proposed again. `notes` are shown beside it."""
        trial = self._asked.pop(number, None)
        if trial is None:
            return  # a baseline outside the space: nothing a sampler could learn from
        for name, excess in over.items():
            trial.set_constraint(name, excess)
        for name, note in {"number": number, ERROR: error, PAUSED: paused, **notes}.items():
            trial.set_user_attr(name, note)
        frozen = self._study.tell(trial, values)
        self._told += 1
        if self._told > self._mirrored:
            self._reflect(frozen)

    def _reflect(self, trial: optuna.trial.FrozenTrial) -> None:
        from optuna.exceptions import StorageInternalError

        try:
            self._mirror.add_trial(trial)
        except StorageInternalError as error:
            raise RunError(
                f"the disk must have room for study.db; {error.__cause__ or error}; make room, and "
                f"the same command goes on from what is finished"
            ) from error


def _mirror(
    place: Path | None, name: str, directions: Sequence[optuna.study.StudyDirection]
) -> optuna.Study:
    """The study in that file, or in memory. It is a view: one that cannot be opened is made again,
    and filled as trials are told again."""
    import optuna
    from sqlalchemy import NullPool

    if place is None:
        return optuna.create_study(directions=directions, study_name=name)

    def opened() -> optuna.Study:
        # Without a pool nothing holds the file between two trials.
        storage = optuna.storages.RDBStorage(
            f"sqlite:///{place}", engine_kwargs={"poolclass": NullPool}
        )
        return optuna.create_study(
            directions=directions, study_name=name, storage=storage, load_if_exists=True
        )

    try:
        return opened()
    except Exception:  # noqa: BLE001 - a torn file shows itself in many ways
        place.unlink(missing_ok=True)
    try:
        return opened()
    except Exception as error:
        raise RunError(
            f"a run folder must take its study.db; {place}: {error.__cause__ or error}; make room, "
            f"and the same command goes on from what is finished"
        ) from error
