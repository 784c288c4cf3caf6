# A pool of threads that is never shut.
# task: primes
from concurrent.futures import ThreadPoolExecutor

POOL = ThreadPoolExecutor(2)


def primes(limit):
    tests = POOL.map(lambda n: all(n % d for d in range(2, int(n**0.5) + 1)), range(2, limit))
    return [number for number, prime in zip(range(2, limit), tests) if prime]
