"""How a judge's reply is read: a ranking, a preference, a rating, critiques, a verdict.

Every reader is pure and total: any text gives a result, in time linear in its length, and the
result says what the reply left open. Answers are numbered from 1. Only `WINDOW` characters are
read: the first ones of critiques, else the last ones, since a conclusion follows its reasons.
"""

from archsearch.replies.headings import critiques
from archsearch.replies.preferences import preference
from archsearch.replies.rankings import BY_MENTION, INCOMPLETE, UNREAD, Ranking, ranking
from archsearch.replies.ratings import rating
from archsearch.replies.text import WINDOW, is_blank
from archsearch.replies.verdicts import verdict

__all__ = [
    "BY_MENTION",
    "INCOMPLETE",
    "UNREAD",
    "WINDOW",
    "Ranking",
    "critiques",
    "is_blank",
    "preference",
    "ranking",
    "rating",
    "verdict",
]
