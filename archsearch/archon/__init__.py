"""Archon's configuration files, read as architectures.

The format is that of Archon (arXiv 2409.15254; github.com/ScalingIntelligence/Archon): `layers`,
each a list of components side by side. It has no schema, so its own program ignores whatever it
does not know, a misspelt key too. Here nothing goes by unseen: whatever does not come over as it
stands is a `Remark`, and what cannot come over at all is a `ConfigError` with its place.

What the program does counts, not what a key is called: a fuser and a ranker are shown critiques
wherever there are any, and unit tests stand in the question for every layer after them. The
defects of single steps (critiques beside the wrong answer, the verdict of another candidate) do
not come over, and are told in the layers.
"""

from archsearch.archon.convert import Imported, convert
from archsearch.archon.file import read, read_models
from archsearch.archon.remark import Remark, lines

__all__ = ["Imported", "Remark", "convert", "lines", "read", "read_models"]
