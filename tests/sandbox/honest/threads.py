# One thread for each number.
# task: total
import threading


def total(numbers):
    made = [0] * len(numbers)

    def square(at):
        made[at] = numbers[at] ** 2

    threads = [threading.Thread(target=square, args=(at,)) for at in range(len(numbers))]
    for start in range(0, len(threads), 2):
        pair = threads[start : start + 2]
        for thread in pair:
            thread.start()
        for thread in pair:
            thread.join()
    return sum(made)
