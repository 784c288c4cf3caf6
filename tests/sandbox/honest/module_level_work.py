# Works out a table as it is loaded.
# task: primes
SIEVE = [True] * 10_000
for number in range(2, 100):
    if SIEVE[number]:
        for multiple in range(number * number, 10_000, number):
            SIEVE[multiple] = False


def primes(limit):
    return [number for number in range(2, limit) if SIEVE[number]]
