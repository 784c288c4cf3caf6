# C45. Lists in lists, deeper than any recursion goes; and one that holds itself.
# status: ok output exception
# limits: seconds=5
# call: value
# call: circle
def value():
    nested = []
    for _ in range(200_000):
        nested = [nested]
    return nested


def circle():
    nested = {}
    nested["self"] = [nested]
    return nested
