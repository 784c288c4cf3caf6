# An object that can be called.
# task: backwards
class Backwards:
    def __init__(self):
        self.calls = 0

    def __call__(self, text):
        self.calls += 1
        return text[::-1]


backwards = Backwards()
