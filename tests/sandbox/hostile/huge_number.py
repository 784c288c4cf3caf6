# C35. A number whose digits Python refuses to write.
# status: ok
# limits: seconds=5
# call: value
def value():
    return 10**5000
