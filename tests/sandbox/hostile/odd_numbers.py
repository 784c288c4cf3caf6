# C45. Numbers that JSON does not know.
# status: ok
# call: value
def value():
    return [float("nan"), float("inf"), -float("inf"), -0.0, complex("nan"), 1e308 * 10, True]
