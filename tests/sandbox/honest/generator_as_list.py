# A generator, turned into a list.
# task: primes
def stream():
    found = []
    number = 2
    while True:
        if all(number % prime for prime in found):
            found.append(number)
            yield number
        number += 1


def primes(limit):
    made = []
    for prime in stream():
        if prime >= limit:
            return made
        made.append(prime)
