# C37. Recursion past what the stack holds.
# status: exception memory timeout
# limits: seconds=4
import sys

sys.setrecursionlimit(2**30)


class Deep:
    def __getattr__(self, name):
        return getattr(self, name + "x")

    def __repr__(self):
        return repr(self)


repr(Deep())
