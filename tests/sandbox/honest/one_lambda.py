# A lambda with a name.
# task: backwards
backwards = lambda text: text[::-1]
