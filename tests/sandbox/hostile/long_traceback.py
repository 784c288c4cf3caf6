# A chain of a hundred thousand causes.
# status: exception output memory timeout
# limits: seconds=4
error = None
for at in range(100_000):
    try:
        raise ValueError(at) from error
    except ValueError as caught:
        error = caught
raise error
