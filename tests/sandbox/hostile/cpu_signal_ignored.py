# The first signal about processor time is ignored.
# status: timeout
# limits: seconds=6, cpu_seconds=1
import signal

signal.signal(signal.SIGXCPU, signal.SIG_IGN)
while True:
    pass
