"""Seccomp filters, assembled here: which system calls a program may not make.

An assembler of our own, because a bare container has Python and pip but no libseccomp that pip
could bring; and the few instructions needed are fewer lines than the handling of its absence.
Sources: seccomp(2); linux/bpf_common.h for the instructions; libseccomp's tables for the numbers,
with which a test compares.

Calls up to number 423 are allowed unless named; later ones are allowed only if named, so that what
a future kernel adds is denied.
"""

from __future__ import annotations

import platform
import struct
from collections.abc import Sequence
from dataclasses import dataclass

ALLOW, KILL = 0x7FFF0000, 0x80000000
EPERM, ENOSYS = 0x00050000 | 1, 0x00050000 | 38
LOAD, EQUAL, AT_LEAST, ANY_BIT, AND, RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
NUMBER, ARCHITECTURE, ARGUMENTS = 0, 4, 16
X32 = 0x40000000
FIRST_OF_NEW = 424
"""From here on all architectures share their numbers."""

AUDIT = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

DENIED: dict[str, tuple[int | None, int | None]] = {  # numbers on x86_64 and on aarch64
    # the network; socketpair is below
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "accept": (43, 202), "accept4": (288, 242), "sendmmsg": (307, 269),
    # other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "kcmp": (312, 272), "setpriority": (141, 140), "ioprio_set": (251, 30),
    "sched_setscheduler": (144, 119), "sched_setparam": (142, 118), "sched_setattr": (314, 274),
    "sched_setaffinity": (203, 122), "migrate_pages": (256, 238), "move_pages": (279, 239),
    # memory that belongs to no process
    "memfd_create": (319, 279), "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195),
    "shmdt": (67, 197), "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188),
    "msgctl": (71, 187), "semget": (64, 190), "semop": (65, 193), "semtimedop": (220, 192),
    "semctl": (66, 191), "mq_open": (240, 180), "mq_unlink": (241, 181),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    # namespaces and mounts
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265), "fanotify_init": (300, 262), "fanotify_mark": (301, 263),
    # wide doors into the kernel
    "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "vmsplice": (278, 75), "mbind": (237, 235), "set_mempolicy": (238, 237),
    "personality": (135, 92), "modify_ldt": (154, None), "uselib": (134, None),
    "lookup_dcookie": (212, 18), "nfsservctl": (180, 42), "quotactl": (179, 60),
    # the machine itself
    "swapon": (167, 224), "swapoff": (168, 225), "reboot": (169, 142), "acct": (163, 89),
    "kexec_load": (246, 104), "kexec_file_load": (320, 294), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "syslog": (103, 116),
    "sethostname": (170, 161), "setdomainname": (171, 162), "iopl": (172, None),
    "ioperm": (173, None), "settimeofday": (164, 170), "clock_settime": (227, 112),
    "adjtimex": (159, 171), "clock_adjtime": (305, 266), "vhangup": (153, 58),
}  # fmt: skip
"""Denied by every tier that filters."""

DENIED_WITHOUT_NAMESPACES: dict[str, tuple[int | None, int | None]] = {
    # one process, which cannot leave its session
    "fork": (57, None), "vfork": (58, None), "setsid": (112, 157), "setpgid": (109, 154),
    # what Landlock does not guard: the attributes of files, and the watching of them
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "chown": (92, None),
    "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54), "setxattr": (188, 5),
    "lsetxattr": (189, 6), "fsetxattr": (190, 7), "removexattr": (197, 14),
    "lremovexattr": (198, 15), "fremovexattr": (199, 16), "utime": (132, None),
    "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
    "inotify_init": (253, None), "inotify_init1": (294, 26), "inotify_add_watch": (254, 27),
}  # fmt: skip
"""Denied as well where no namespace hides the host."""

ALLOWED_NEW = {"pidfd_send_signal": 424, "pidfd_open": 434, "close_range": 436, "openat2": 437,
               "faccessat2": 439, "epoll_pwait2": 441, "futex_waitv": 449}  # fmt: skip

CLONE, PRCTL, PRLIMIT = (56, 220), (157, 167), (302, 261)
SOCKETPAIR, SENDTO, IOCTL = (53, 199), (44, 206), (16, 29)
NEW_NAMESPACES, THREAD = 0x7E020000, 0x00010000
UNIX, STREAM = 1, 1
TERMINAL_INPUT = (0x5412, 0x541C)  # TIOCSTI and TIOCLINUX type into the terminal of another
PARENT_DEATH_SIGNAL = 1


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction; a jump to `otherwise` skips that many steps when its test fails."""

    code: int
    value: int
    then: int = 0
    otherwise: int = 0

    def pack(self) -> bytes:
        """As the kernel reads it."""
        return struct.pack("=HBBI", self.code, self.then, self.otherwise, self.value)


def machine() -> str:
    """The architecture we run on."""
    return platform.machine()


def program(*, namespaces: bool, architecture: str = "") -> bytes:
    """The filter for this machine, as an array of `sock_filter`.

    `namespaces`: whether the sandbox has namespaces of its own; without, a program may neither fork
    nor touch the attributes of files. Raises `ValueError` for an architecture without numbers.
    """
    architecture = architecture or machine()
    if architecture not in AUDIT:
        known = ", ".join(AUDIT)
        raise ValueError(f"a filter needs system call numbers; got {architecture}; known: {known}")
    this = list(AUDIT).index(architecture)
    steps = [
        Step(LOAD, ARCHITECTURE),
        Step(EQUAL, AUDIT[architecture], then=1),
        Step(RETURN, KILL),
        Step(LOAD, NUMBER),
    ]
    if architecture == "x86_64":
        steps += [Step(AT_LEAST, X32, otherwise=1), Step(RETURN, ENOSYS)]
    steps += _new_calls()
    denied = DENIED if namespaces else DENIED | DENIED_WITHOUT_NAMESPACES
    for numbers in denied.values():
        steps += _on(numbers[this], [Step(RETURN, EPERM)])
    steps += _on(CLONE[this], _clone(namespaces))
    steps += _on(SOCKETPAIR[this], _socketpair())
    steps += _on(SENDTO[this], _sendto())
    steps += _on(PRLIMIT[this], [*_argument(0), *_unless_equal(0)])
    steps += _on(IOCTL[this], [*_argument(1), *_if_equal(*TERMINAL_INPUT)])
    if not namespaces:
        steps += _on(PRCTL[this], [*_argument(0), *_if_equal(PARENT_DEATH_SIGNAL)])
    steps.append(Step(RETURN, ALLOW))
    return b"".join(step.pack() for step in steps)


def _on(number: int | None, body: Sequence[Step]) -> list[Step]:
    """`body` for that call; it ends by returning, so that the number is still loaded after it."""
    return [] if number is None else [Step(EQUAL, number, otherwise=len(body)), *body]


def _new_calls() -> list[Step]:
    """Of the numbers from 424 on only the named ones; `ENOSYS` sends a C library to older calls,
    from `clone3`, whose flags a filter cannot see, to `clone`."""
    allowed = [step for nr in ALLOWED_NEW.values() for step in _on(nr, [Step(RETURN, ALLOW)])]
    body = [*allowed, Step(RETURN, ENOSYS)]
    return [Step(AT_LEAST, FIRST_OF_NEW, otherwise=len(body)), *body]


def _clone(namespaces: bool) -> list[Step]:
    refused = [Step(ANY_BIT, NEW_NAMESPACES, otherwise=1), Step(RETURN, EPERM)]
    if not namespaces:
        refused += [Step(ANY_BIT, THREAD, then=1), Step(RETURN, EPERM)]
    return [*_argument(0), *refused, Step(RETURN, ALLOW)]


def _socketpair() -> list[Step]:
    """Connected pairs only, as asyncio needs one: a datagram socket could address another."""
    return [
        *_argument(0),
        Step(EQUAL, UNIX, then=1),
        Step(RETURN, EPERM),
        *_argument(1),
        Step(AND, 0xF),
        *_unless_equal(STREAM),
    ]


def _sendto() -> list[Step]:
    """To no address, which is what `send` does: both halves of the pointer are zero."""
    whole = [Step(LOAD, ARGUMENTS + 8 * 4 + half) for half in (0, 4)]
    return [whole[0], Step(EQUAL, 0, then=1), Step(RETURN, EPERM), whole[1], *_unless_equal(0)]


def _argument(index: int) -> list[Step]:
    """Loads the lower half of an argument, which is all that the kernel reads of an `int`."""
    return [Step(LOAD, ARGUMENTS + 8 * index)]


def _unless_equal(value: int) -> list[Step]:
    return [Step(EQUAL, value, then=1), Step(RETURN, EPERM), Step(RETURN, ALLOW)]


def _if_equal(*values: int) -> list[Step]:
    refused = [step for v in values for step in _on(v, [Step(RETURN, EPERM)])]
    return [*refused, Step(RETURN, ALLOW)]
