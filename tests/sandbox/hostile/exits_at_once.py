# Ends with a status of its own before a call is answered.
# status: exception
# call: value
import os

os._exit(0)


def value():
    return 1
