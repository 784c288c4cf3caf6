# C1. Never gives the processor back.
# status: timeout
# limits: seconds=0.4
while True:
    pass
