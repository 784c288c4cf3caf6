# C45. A small list of one huge list, a million times over.
# status: ok output memory timeout exception
# limits: seconds=5
# call: value
def value():
    inner = list(range(1000))
    for _ in range(6):
        inner = [inner] * 1000
    return inner
