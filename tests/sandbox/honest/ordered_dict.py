# An OrderedDict, which is a kind of dict.
# task: words
from collections import OrderedDict


def words(text):
    made = OrderedDict()
    for word in sorted(text.split(), reverse=True):
        made[word] = made.get(word, 0) + 1
    return made
