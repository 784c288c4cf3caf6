# C16. Every process that it may signal: those of other sandboxes too, where they share its user.
# status: exception ok timeout
# limits: seconds=1
# seen: siblings, innocents
import os
import signal

os.kill(-1, signal.SIGKILL)
