"""The filter decides as it says, call by call; the numbers are those of the kernel."""

import ctypes
import ctypes.util
import struct

import pytest

from archsearch.sandbox import seccomp
from archsearch.sandbox.seccomp import ALLOW, AUDIT, EPERM, KILL

NAMED = {
    **seccomp.DENIED,
    **seccomp.DENIED_WITHOUT_NAMESPACES,
    **{name: (number, number) for name, number in seccomp.ALLOWED_NEW.items()},
    "clone": seccomp.CLONE,
    "prctl": seccomp.PRCTL,
    "prlimit64": seccomp.PRLIMIT,
    "socketpair": seccomp.SOCKETPAIR,
    "sendto": seccomp.SENDTO,
    "ioctl": seccomp.IOCTL,
}


def decide(program, audit, number, *arguments):
    """What the kernel would return for a call: an interpreter of the few instructions used."""
    arguments = [*arguments, *[0] * (6 - len(arguments))]
    data = struct.pack("<IIQ6Q", number, audit, 0, *arguments)
    steps = list(struct.iter_unpack("=HBBI", program))
    at = loaded = 0
    while True:
        code, then, otherwise, value = steps[at]
        at += 1
        if code == seccomp.RETURN:
            return value
        if code == seccomp.LOAD:
            (loaded,) = struct.unpack_from("<I", data, value)
        elif code == seccomp.AND:
            loaded &= value
        else:
            held = {
                seccomp.EQUAL: loaded == value,
                seccomp.AT_LEAST: loaded >= value,
                seccomp.ANY_BIT: bool(loaded & value),
            }[code]
            at += then if held else otherwise


@pytest.fixture(params=list(AUDIT))
def architecture(request):
    return request.param


def of(name, architecture):
    return NAMED[name][list(AUDIT).index(architecture)]


@pytest.mark.parametrize("namespaces", [True, False])
def test_calls_are_denied_by_name(architecture, namespaces):
    program = seccomp.program(namespaces=namespaces, architecture=architecture)
    denied = seccomp.DENIED if namespaces else seccomp.DENIED | seccomp.DENIED_WITHOUT_NAMESPACES
    for name in seccomp.DENIED | seccomp.DENIED_WITHOUT_NAMESPACES:
        number = of(name, architecture)
        if number is not None:
            expected = EPERM if name in denied else ALLOW
            assert decide(program, AUDIT[architecture], number) == expected, name
    for name, number in seccomp.ALLOWED_NEW.items():
        assert decide(program, AUDIT[architecture], number) == ALLOW, name
    for number in {*range(424, 600), 2**30 - 1} - set(seccomp.ALLOWED_NEW.values()):
        assert decide(program, AUDIT[architecture], number) == seccomp.ENOSYS
    assert len(program) // 8 < 4096


def test_another_architecture_is_killed_and_x32_is_absent():
    program = seccomp.program(namespaces=True, architecture="x86_64")
    assert decide(program, 0x40000003, 1) == KILL  # i386
    assert decide(program, AUDIT["x86_64"], seccomp.X32 | 1) == seccomp.ENOSYS
    assert decide(program, AUDIT["x86_64"], 1) == ALLOW


CASES = [
    ("clone", (17,), ALLOW, EPERM),  # fork
    ("clone", (0x3D0F00,), ALLOW, ALLOW),  # a thread, as glibc makes it
    ("clone", (0x10000000 | 17,), EPERM, EPERM),
    ("clone", (0x40000000 | 0x10000,), EPERM, EPERM),
    ("socketpair", (1, 1), ALLOW, ALLOW),
    ("socketpair", (1, 1 | 0o2004000), ALLOW, ALLOW),
    ("socketpair", (1, 2), EPERM, EPERM),
    ("socketpair", (1, 5), EPERM, EPERM),
    ("socketpair", (2, 1), EPERM, EPERM),
    ("sendto", (3, 4, 5, 0, 0, 0), ALLOW, ALLOW),
    ("sendto", (3, 4, 5, 0, 0x7F00, 16), EPERM, EPERM),
    ("sendto", (3, 4, 5, 0, 0x7F << 32, 16), EPERM, EPERM),
    ("prlimit64", (0, 7), ALLOW, ALLOW),
    ("prlimit64", (1, 7), EPERM, EPERM),
    ("ioctl", (0, 0x5401), ALLOW, ALLOW),
    ("ioctl", (0, 0x5412), EPERM, EPERM),
    ("ioctl", (0, 0xFFFFFFFF00005412), EPERM, EPERM),
    ("ioctl", (0, 0x541C), EPERM, EPERM),
    ("prctl", (1, 0), ALLOW, EPERM),
    ("prctl", (15, 0), ALLOW, ALLOW),
]


@pytest.mark.parametrize(("name", "arguments", "within", "without"), CASES)
def test_arguments_decide(architecture, name, arguments, within, without):
    for namespaces, expected in ((True, within), (False, without)):
        program = seccomp.program(namespaces=namespaces, architecture=architecture)
        found = decide(program, AUDIT[architecture], of(name, architecture), *arguments)
        assert found == expected, namespaces


def test_an_unknown_architecture_is_refused():
    with pytest.raises(ValueError, match="got riscv64; known: x86_64, aarch64"):
        seccomp.program(namespaces=True, architecture="riscv64")


def test_numbers_are_those_of_libseccomp():
    path = ctypes.util.find_library("seccomp") or "libseccomp.so.2"
    try:
        library = ctypes.CDLL(path)
    except OSError:
        pytest.skip("libseccomp is not installed; apt-get install libseccomp2")
    for name, numbers in NAMED.items():
        for audit, number in zip(AUDIT.values(), numbers, strict=True):
            found = library.seccomp_syscall_resolve_name_arch(ctypes.c_uint32(audit), name.encode())
            assert found == number or (found < 0 and number is None), name
