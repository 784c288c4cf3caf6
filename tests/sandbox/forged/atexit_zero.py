# F54. Whatever happens, its status is 0.
# task: total
import atexit
import os

atexit.register(os._exit, 0)
raise ValueError("no")
