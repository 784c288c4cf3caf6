# Exceptions of its own as the way of its control.
# task: is_prime
class Composite(Exception):
    """With a divisor."""


def look(number):
    if number < 2:
        raise Composite(number)
    for divisor in range(2, int(number**0.5) + 1):
        if number % divisor == 0:
            raise Composite(divisor)


def is_prime(number):
    try:
        look(number)
    except Composite:
        return False
    return True
