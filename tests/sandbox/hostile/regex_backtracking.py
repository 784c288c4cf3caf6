# C36. A pattern that takes exponential time in C.
# status: timeout
# limits: seconds=0.4
import re

re.fullmatch(r"(a|a|aa)*b", "a" * 60)
