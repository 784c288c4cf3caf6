# A method of an object, given a name at the top.
# task: is_prime
class Solution:
    def __init__(self):
        self.seen = {}

    def is_prime(self, number):
        if number not in self.seen:
            self.seen[number] = number > 1 and not any(number % d == 0 for d in range(2, number) if d * d <= number)
        return self.seen[number]


is_prime = Solution().is_prime
