# By a regular expression.
# task: words
import re


def words(text):
    found = re.findall(r"\S+", text)
    return {word: found.count(word) for word in set(found)}
