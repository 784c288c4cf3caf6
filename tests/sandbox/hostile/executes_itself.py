# Becomes a new interpreter, without the harness's start-up code.
# status: exception timeout output
# limits: seconds=2
# seen: secrets
# call: value
import os
import sys

os.execv(sys.executable, [sys.executable, "-c", "import os; print(dict(os.environ), os.listdir('.'))"])


def value():
    return 1
