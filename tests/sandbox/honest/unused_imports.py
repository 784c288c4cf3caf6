# Imports more than it needs, as generated programs do.
# task: words
import bisect
import collections
import copy
import datetime
import functools
import heapq
import itertools
import json
import math
import operator
import random
import re
import string
import sys
from collections import Counter, defaultdict, deque
from typing import Any, Dict, List, Optional, Tuple


def words(text: str) -> Dict[str, int]:
    return dict(Counter(text.split()))
