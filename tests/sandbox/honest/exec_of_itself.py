# Makes its function from text.
# task: is_prime
TEXT = """
def is_prime(number):
    return number > 1 and all(number % d for d in range(2, int(number ** 0.5) + 1))
"""
exec(TEXT)
