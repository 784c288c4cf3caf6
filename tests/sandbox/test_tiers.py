"""Each kind of sandbox keeps the contract."""

from archsearch.testing.sandbox_contract import SandboxContract


class TestBwrap(SandboxContract):
    tier = "bwrap"


class TestLandlock(SandboxContract):
    tier = "landlock"
    forks = False


class TestUnsafe(SandboxContract):
    tier = "unsafe"


class TestNsjail(SandboxContract):
    tier = "nsjail"


class TestRunsc(SandboxContract):
    tier = "runsc"
    forks = False
