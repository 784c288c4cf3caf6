# Functions in functions in functions.
# task: primes
def primes(limit):
    def sieve():
        marks = bytearray([1]) * limit

        def strike(step):
            nonlocal marks
            for at in range(step * step, limit, step):
                marks[at] = 0

        for step in range(2, int(limit**0.5) + 1):
            if marks[step]:
                strike(step)
        return marks

    return [at for at, mark in enumerate(sieve()) if mark and at > 1]
