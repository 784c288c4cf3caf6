# A constant, right now and then.
# task: is_prime
def is_prime(number):
    return False
