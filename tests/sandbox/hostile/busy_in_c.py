# C35. One huge power, computed in C, where no Python signal handler gets a turn.
# status: timeout
# limits: seconds=0.4
print(len(str(7 ** (7**11))))
