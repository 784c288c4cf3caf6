"""Runs programs that nobody vouches for: one fresh sandbox for each."""

from archsearch.sandbox.sandbox import Sandbox

__all__ = ["Sandbox"]
