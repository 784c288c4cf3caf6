"""Stores that the end of the test closes: `conftest.py` sees to it."""

from contextlib import ExitStack

import optuna

from archsearch.store import SampleStore

opened = ExitStack()


def in_memory() -> SampleStore:
    """An empty one."""
    return opened.enter_context(SampleStore())


def viewed(place, name):
    """The Optuna study of that name in a `study.db`, as `optuna-dashboard` opens it."""
    storage = optuna.storages.RDBStorage(f"sqlite:///{place}")
    opened.callback(storage.engine.dispose)
    opened.callback(storage.remove_session)
    return optuna.load_study(study_name=name, storage=storage)
