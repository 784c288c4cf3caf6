# A Counter, which is a kind of dict.
# task: words
from collections import Counter


def words(text):
    return Counter(text.split())
