# C45. More than it may say, as a value.
# status: ok output memory
# limits: seconds=5
# call: value
def value():
    return "x" * (64 << 20)
