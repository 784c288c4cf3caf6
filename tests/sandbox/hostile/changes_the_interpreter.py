# Breaks what a harness in the same interpreter relies on.
# status: ok exception timeout output
# limits: seconds=2
# call: value
import builtins
import gc
import os
import sys
import threading

gc.disable()
sys.settrace(lambda *args: 1 / 0)
threading.settrace(lambda *args: 1 / 0)
for name in ("len", "isinstance", "type", "repr", "str", "print", "open", "list", "dict", "__import__"):
    setattr(builtins, name, None)
for name in list(sys.modules):
    if name not in ("sys", "builtins"):
        del sys.modules[name]
os.read = os.write = os._exit = None


def value():
    return 1
