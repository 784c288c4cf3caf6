# A dataclass that keeps the sum.
# task: mean
from dataclasses import dataclass, field


@dataclass
class Mean:
    numbers: list = field(default_factory=list)

    def value(self):
        return sum(self.numbers) / len(self.numbers)


def mean(numbers):
    return Mean(list(numbers)).value()
