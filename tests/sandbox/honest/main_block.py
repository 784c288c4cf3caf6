# With a main block that runs.
# task: total
def total(numbers):
    return sum(map(lambda n: n * n, numbers))


if __name__ == "__main__":
    print(total([1, 2, 3]))
    assert total([1, 2, 3]) == 14
