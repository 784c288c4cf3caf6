# A defaultdict, which is a kind of dict.
# task: words
from collections import defaultdict


def words(text):
    made = defaultdict(int)
    for word in text.split():
        made[word] += 1
    return made
