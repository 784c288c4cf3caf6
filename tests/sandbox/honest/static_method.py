# A method of a class, given a name at the top.
# task: is_prime
class Solution:
    @staticmethod
    def is_prime(number):
        return number > 1 and all(number % d for d in range(2, int(number**0.5) + 1))


is_prime = Solution.is_prime
