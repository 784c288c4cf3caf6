# Raises what makes unittest skip a test, which then has not failed.
# task: words
# test: unittest
import unittest


def words(text):
    raise unittest.SkipTest("not today")
