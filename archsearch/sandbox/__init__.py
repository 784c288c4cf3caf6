"""Runs programs that nobody vouches for: one fresh sandbox for each."""

from archsearch.sandbox.sandbox import Sandbox, Standing, survey

__all__ = ["Sandbox", "Standing", "survey"]
