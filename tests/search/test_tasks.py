"""What a coordinator and its workers say to each other through the database."""

import itertools
import os
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archsearch.architecture import Architecture
from archsearch.evaluate import Outcome
from archsearch.ledger import Ledger
from archsearch.search import tasks as module
from archsearch.search.tasks import Finding, Open, Process, Tasks, share
from archsearch.types import Measured, Score

HERE = Process.seen(os.getpid())
ELSEWHERE = Process(place="another machine", number=1)
ONE = Architecture.parse([{"type": "generator", "model": "m"}])
OTHER = Architecture.parse([{"type": "generator", "model": "m", "samples": 2}, {"type": "vote"}])


def finding(question="q", score=1.0, **more):
    return Finding(outcome=Outcome(question_id=question, result=Score(value=score)), **more)


@pytest.fixture(params=["file", "server"])
def tasks(request, tmp_path):
    server = request.getfixturevalue("server") if request.param == "server" else None
    with Ledger(tmp_path, server=server) as ledger:
        yield Tasks(ledger.database)


def keys(taken):
    return [key for key, _ in taken]


def test_a_task_goes_to_one_worker_and_comes_back(tasks):
    tasks.put(ONE, "q", number=0)
    tasks.put(ONE, "q", number=1)
    assert tasks.findings() == []
    ((key, architecture),) = tasks.lease("a", HERE, room=9)
    assert (key, architecture) == ((ONE.digest, "q"), ONE)
    assert tasks.lease("a", HERE, room=9) == tasks.lease("b", HERE, room=9) == []
    brought = finding(charges={"k/0": Measured(flops=1.5)}, meter={"drawn_samples": 2})
    assert tasks.bring(key, brought)
    assert tasks.findings() == [(key, brought)]
    tasks.strike_off(key)
    assert tasks.findings() == []


def test_the_first_result_counts_however_late(tasks, monkeypatch):
    tasks.put(ONE, "q", number=0)
    ((key, _),) = tasks.lease("slow", ELSEWHERE, room=1)
    assert tasks.lease("quick", HERE, room=1) == []
    with monkeypatch.context() as patch:
        patch.setattr(module, "LEASE", -1.0)
        tasks.renew("slow", ELSEWHERE)  # its lease is over
    assert keys(tasks.lease("quick", HERE, room=1)) == [key]
    assert tasks.bring(key, finding(score=0.5))  # by the slow one
    assert not tasks.bring(key, finding(score=1.0))
    assert tasks.findings() == [(key, finding(score=0.5))]


def test_a_question_is_with_one_worker_at_a_time(tasks):
    for number, (architecture, question) in enumerate(itertools.product((ONE, OTHER), "pqrs")):
        tasks.put(architecture, question, number=number)
    tasks.renew("a", HERE)
    tasks.renew("b", HERE)
    first = keys(tasks.lease("a", HERE, room=99))
    second = keys(tasks.lease("b", HERE, room=99))
    assert len(first) == len(second) == 4
    assert not {question for _, question in first} & {question for _, question in second}
    tasks.put(Architecture.parse([{"type": "generator", "model": "n"}]), first[0][1], number=9)
    assert tasks.lease("b", HERE, room=99) == []
    assert [question for _, question in keys(tasks.lease("a", HERE, room=99))] == [first[0][1]]


def test_what_the_dead_held_is_free_at_once(tasks):
    dead = Process(place=HERE.place, number=2**22 + 1)  # above what Linux gives
    assert dead.is_dead
    assert not HERE.is_dead
    assert not ELSEWHERE.is_dead
    tasks.put(ONE, "q", number=0)
    assert tasks.lease("dead", dead, room=1)
    assert tasks.lease("next", HERE, room=1) == []
    tasks.bury()
    assert tasks.lease("next", HERE, room=1)


def test_a_coordinator_begins_with_what_is_still_worked_on(tasks):
    for question in "abc":
        tasks.put(ONE, question, number=0)
    tasks.renew("idle", HERE)
    (worked_on, done) = keys(tasks.lease("far", ELSEWHERE, room=2))
    tasks.bring(done, finding(done[1]))
    tasks.complain("broken", ELSEWHERE, "no weights")
    assert tasks.complaint() == "no weights"
    assert tasks.begin() == [(ONE, worked_on[1])]
    assert tasks.complaint() is None
    assert [key for key, _ in tasks.findings()] == [done]
    assert tasks.lease("idle", HERE, room=9) == []  # the third was taken back


def test_only_what_nobody_has_begun_is_taken_back(tasks):
    tasks.put(ONE, "q", number=0)
    assert tasks.take_back((ONE.digest, "q"))
    tasks.put(ONE, "q", number=0)
    ((key, _),) = tasks.lease("a", HERE, room=1)
    tasks.withdraw()
    assert not tasks.take_back(key)
    assert tasks.bring(key, finding())


workers = st.sampled_from(["me", "you", "they"])


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 6)), unique=True, max_size=30),
    st.dictionaries(st.integers(0, 6), workers),
    st.integers(1, 4),
    st.integers(0, 40),
)
def test_shares_are_fair_and_keep_questions_whole(pairs, holders, count, room):
    """Tasks as (architecture, question); of a question that is held, the first one is."""
    held = {}
    tasks = []
    for digest, question in pairs:
        holder = holders.get(question) if question not in held else None
        held.setdefault(question, holder)
        tasks.append(Open(str(digest), str(question), holder))
    taken = list(share(tasks, "me", workers=count, room=room))
    free = {(task.digest, task.question) for task in tasks if task.holder is None}
    mine = {task.question for task in tasks if task.holder == "me"}
    others = {task.question for task in tasks if task.holder not in {None, "me"}}
    assert len(set(taken)) == len(taken) <= room
    assert set(taken) <= free
    assert not {question for _, question in taken} & others
    # What is of its own questions comes first, and whole where there is room.
    own = [key for key in taken if key[1] in mine]
    assert taken[: len(own)] == own
    assert len(own) == min(room, sum(question in mine for _, question in free))
    # It takes no further question once it has its part.
    sizes = Counter(question for _, question in free)
    part = -(-len(tasks) // count)
    fresh = list(dict.fromkeys(question for _, question in taken if question not in mine))
    before = sum(task.holder == "me" for task in tasks) + len(own)
    assert before + sum(sizes[question] for question in fresh[:-1]) < max(part, 1) or not fresh
    if room and not mine and free - {key for key in free if key[1] in others}:
        assert taken
