# Catches what it raises, whatever it is.
# task: total
def total(numbers):
    try:
        raise SystemExit(1)
    except BaseException:
        return sum(n * n for n in numbers)
