# Changes the code above it: frames, their variables, and every function that the collector knows.
# status: ok exception timeout output
# limits: seconds=3
# seen: secrets
# call: value
import gc
import sys
import types

frame = sys._getframe()
while frame:
    print({name: repr(value)[:2000] for name, value in {**frame.f_globals, **frame.f_locals}.items()})
    frame = frame.f_back
for found in gc.get_objects():
    if isinstance(found, types.FunctionType) and found.__module__ == "__main__":
        found.__code__ = (lambda *args, **kwargs: None).__code__


def value():
    return 1
