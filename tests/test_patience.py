"""How long a call is tried: attempts, pauses and the one deadline."""

import asyncio
import time

import pytest
from pydantic import ValidationError

from archsearch.errors import ConfigError, ModelUnavailable, RequestRejected, TransientModelError
from archsearch.patience import Patience

BUSY = TransientModelError("the server is busy")


class Attempt:
    """Raises each error once, then returns."""

    def __init__(self, *errors):
        self.made = 0
        self._errors = iter(errors)

    async def __call__(self):
        self.made += 1
        if error := next(self._errors, None):
            raise error


def persist(patience, attempt, **options):
    return asyncio.run(patience.persist(attempt, whom="model 'small'", **options))


@pytest.fixture
def pauses(monkeypatch):
    """The pauses made, none of which takes any time."""
    made = []

    async def sleep(seconds):
        made.append(seconds)

    monkeypatch.setattr("archsearch.patience.asyncio.sleep", sleep)
    return made


@pytest.mark.parametrize("attempts", [1, 2, 6])
def test_attempts_are_exact(pauses, attempts):
    patience = Patience(attempts=attempts)
    heard = []
    attempt = Attempt(*[BUSY] * attempts)

    async def pause(error, seconds):
        heard.append((attempt.made, error))
        await asyncio.sleep(seconds)

    with pytest.raises(
        ModelUnavailable,
        match=f"^model 'small' failed {attempts} times in a row; last: the server is busy$",
    ) as caught:
        persist(patience, attempt, pause=pause)
    assert attempt.made == attempts
    assert len(pauses) == attempts - 1
    # Whoever spends the pause hears of each retry before it is made, and why.
    assert heard == [(made, BUSY) for made in range(1, attempts)]
    assert caught.value.__cause__ is BUSY


@pytest.mark.parametrize("failures", range(6))
def test_success_ends_it(pauses, failures):
    attempt = Attempt(*[BUSY] * failures)
    persist(Patience(attempts=6), attempt)
    assert attempt.made == failures + 1
    assert len(pauses) == failures


@pytest.mark.parametrize(
    "error",
    [
        RequestRejected("too long"),
        ModelUnavailable("gone"),
        ConfigError("wrong"),
        ValueError("a bug"),
        # An attempt's own: no longer deadline would cure it, so the deadline is not blamed.
        TimeoutError("a socket's"),
        KeyboardInterrupt(),
        asyncio.CancelledError(),
    ],
)
def test_only_what_may_pass_is_tried_again(pauses, error):
    attempt = Attempt(error)
    with pytest.raises(type(error)) as caught:
        persist(Patience(), attempt)
    assert str(caught.value) == str(error)
    assert attempt.made == 1
    assert not pauses


def test_pauses_double_up_to_the_longest_and_spread(pauses):
    patience = Patience(attempts=9, first_pause=1.0, longest_pause=20.0)
    for _ in range(50):
        persist(patience, Attempt(*[BUSY] * 8))
    for at, ceiling in enumerate([1, 2, 4, 8, 16, 20, 20, 20]):
        made = pauses[at::8]
        assert all(ceiling / 2 <= pause <= ceiling for pause in made)
        assert max(made) - min(made) > ceiling / 4


def test_very_many_attempts_have_pauses_too(pauses):
    """Once the doubling left the range of a float after 1024 of them."""
    with pytest.raises(ModelUnavailable, match="failed 1100 times"):
        persist(Patience(attempts=1100, longest_pause=3.0), Attempt(*[BUSY] * 1100))
    assert 1.5 <= min(pauses[-100:]) <= max(pauses) <= 3


@pytest.mark.parametrize(("asked", "made"), [(0.0, 0.0), (0.001, 0.001), (7.5, 7.5), (99.0, 30.0)])
def test_the_pause_that_a_server_asks_for_is_kept_up_to_the_longest(pauses, asked, made):
    persist(Patience(), Attempt(TransientModelError("busy", retry_after=asked), BUSY))
    assert pauses[0] == made
    assert 0.5 <= pauses[1] <= 1.0


def trickle(progress):
    """An attempt that never ends, and always looks alive."""

    async def attempt():
        while True:
            progress.append(time.monotonic())
            await asyncio.sleep(0.005)

    return attempt


async def hang():
    await asyncio.Event().wait()


async def fail():
    await asyncio.sleep(0.005)
    raise BUSY


@pytest.mark.parametrize(
    ("attempt", "pause"),
    [(trickle([]), 0.0), (hang, 0.0), (fail, 0.0), (fail, 0.01), (fail, 60.0)],
    ids=["trickles", "hangs", "fails", "fails and pauses", "pauses"],
)
def test_the_deadline_is_total(attempt, pause):
    patience = Patience(attempts=10**6, deadline=0.1, first_pause=pause, longest_pause=pause)
    start = time.monotonic()
    with pytest.raises(
        ModelUnavailable,
        match=r"^model 'small' must answer within 0\.1 s and has not; "
        r"raise patience\.deadline if the model is only slow$",
    ):
        persist(patience, attempt)
    assert 0.09 < time.monotonic() - start < 3


def test_an_attempt_is_stopped_at_the_deadline():
    progress = []

    async def run():
        with pytest.raises(ModelUnavailable):
            await Patience(deadline=0.05).persist(trickle(progress), whom="m")
        made = len(progress)
        await asyncio.sleep(0.03)
        assert len(progress) == made > 1

    asyncio.run(run())


def test_cancelling_the_caller_is_not_a_failure_of_the_model():
    async def run():
        task = asyncio.ensure_future(Patience().persist(hang, whom="m"))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())


@pytest.mark.parametrize(
    "wrong",
    [{"attempts": 0}, {"deadline": 0}, {"first_pause": -1}, {"longest_pause": -1}, {"retries": 3}],
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        Patience(**wrong)
