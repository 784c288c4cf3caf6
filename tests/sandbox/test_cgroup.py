"""Where memory groups can be made is read from what the kernel tells of either version."""

import pytest

from archsearch.sandbox import cgroup


def proc(tmp_path, groups, mounts):
    (tmp_path / "cgroup").write_text("".join(f"{line}\n" for line in groups))
    (tmp_path / "mountinfo").write_text("".join(f"{line}\n" for line in mounts))
    return tmp_path


def test_version_1_lies_below_the_mount_of_its_controller(tmp_path):
    place = proc(
        tmp_path,
        ["5:cpu:/", "4:memory:/docker/abc/inner", "0::/"],
        [
            f"40 30 0:30 /docker/abc {tmp_path}/memory rw,nosuid shared:1 - cgroup c rw,memory",
            f"41 30 0:31 / {tmp_path}/cpu rw,nosuid - cgroup c rw,cpu",
        ],
    )
    assert cgroup._candidates(place) == [cgroup.Place(tmp_path / "memory/inner", 1)]


def test_version_2_gives_groups_where_memory_is_controlled(tmp_path):
    (tmp_path / "unified/user/mine").mkdir(parents=True)
    for folder, controllers in (("user/mine", "cpu"), ("user", "cpu memory")):
        (tmp_path / "unified" / folder / "cgroup.subtree_control").write_text(controllers)
    place = proc(
        tmp_path,
        ["0::/user/mine"],
        [f"40 30 0:30 / {tmp_path}/unified rw,nosuid - cgroup2 cgroup2 rw,nsdelegate"],
    )
    found = cgroup._candidates(place)
    assert cgroup.Place(tmp_path / "unified/user", 2) in found


def test_a_group_of_version_2_is_limited_and_counts(tmp_path):
    group = cgroup.Group(tmp_path / "group", 2)
    group.folder.mkdir()
    group.limit(1 << 20)
    written = {file.name: file.read_text() for file in group.folder.iterdir()}
    assert written == {
        "memory.max": str(1 << 20),
        "memory.swap.max": "0",
        "memory.oom.group": "1",
    }
    assert group.killed() == 0
    (group.folder / "memory.events").write_text("low 0\noom 4\noom_kill 3\noom_group_kill 1\n")
    assert group.killed() == 3
    assert not group.remove()  # the files of a real group do not count


def test_a_real_group_is_made_and_taken_away():
    place = cgroup.place()
    if place is None:
        pytest.skip("this host lets us make no memory groups")
    group = place.make(1 << 24)
    assert group.killed() == 0
    assert group.remove()
    assert group.remove()
    assert not group.folder.exists()
    assert cgroup.Place(place.folder / "absent", place.version).make(1) is None
