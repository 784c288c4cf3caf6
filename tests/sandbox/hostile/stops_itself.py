# C15. Stopped, it would end by no signal but one.
# status: timeout exception
# limits: seconds=0.4
import os
import signal

os.kill(os.getpid(), signal.SIGSTOP)
