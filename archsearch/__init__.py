"""Finds the best inference-time architecture for a task under a compute budget."""

__version__ = "0.1.0"
