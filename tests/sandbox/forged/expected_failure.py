# Marks its function as one that is expected to fail.
# task: words
# test: unittest
import unittest


@unittest.expectedFailure
def words(text):
    raise AssertionError


words.__unittest_expecting_failure__ = words.__unittest_skip__ = True
