# C1. Never gives the processor back.
# status: timeout
# limits: seconds=0.8
while True:
    pass
