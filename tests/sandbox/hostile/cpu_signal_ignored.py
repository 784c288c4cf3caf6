# The first signal about processor time is ignored.
# status: timeout
# limits: seconds=4, cpu_seconds=0.5
import signal

signal.signal(signal.SIGXCPU, signal.SIG_IGN)
while True:
    pass
