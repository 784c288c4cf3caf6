"""What a large sample store costs: 1,000,000 completions put one by one, each committed before the
next, then looked up in random order, and the file opened anew.

As in a search, there are 8 samples of a prompt, keys are digests, and a look-up asks for all
samples of one key. A completion holds 400 characters (about 100 tokens).

Usage: python scripts/bench/store.py [--quick] [--json]
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

from common import arguments, tell

from archsearch.seeds import digest
from archsearch.store import SampleStore
from archsearch.types import Completion, Usage

SAMPLES = 8
CHARACTERS = 400
LOOKUPS = 20_000


def main() -> None:
    """Fills a store in a folder of its own, and measures it."""
    flags = arguments(__doc__, quick="100,000 completions")
    keys = (100_000 if flags.quick else 1_000_000) // SAMPLES
    with tempfile.TemporaryDirectory() as folder:
        tell(measured(Path(folder) / "samples.sqlite", keys), as_json=flags.json)


def measured(path: Path, keys: int) -> dict[str, Any]:
    """Figures of a store of `keys` x SAMPLES completions."""
    with SampleStore(path) as store:
        start = time.perf_counter()
        for key, index, completion in completions(keys):
            store.put(key, index, completion)
        inserting = time.perf_counter() - start
        looking = lookups(store, keys)
    size = sum(file.stat().st_size for file in path.parent.iterdir())
    start = time.perf_counter()
    with SampleStore(path) as store:
        store.get(_key(0), range(SAMPLES))
        opening = time.perf_counter() - start
    return {
        "inserts_per_second": round(keys * SAMPLES / inserting),
        "lookups_per_second": round(LOOKUPS / looking),
        "bytes_each": round(size / keys / SAMPLES),
        "open_seconds": round(opening, 4),
        "completions": keys * SAMPLES,
        "characters_each": CHARACTERS,
    }


def completions(keys: int) -> Iterator[tuple[str, int, Completion]]:
    """Every sample, with its key and index; all of a key come together."""
    rng = Random(0)
    text = "".join(rng.choices("abcdefghijklmnopqrstuvwxyz     ", k=CHARACTERS * 100))
    for number in range(keys):
        key = _key(number)
        for index in range(SAMPLES):
            at = rng.randrange(len(text) - CHARACTERS)
            usage = Usage(prompt_tokens=200, completion_tokens=100)
            yield (
                key,
                index,
                Completion(
                    text=text[at : at + CHARACTERS], finish_reason="stop", usage=usage, seed=index
                ),
            )


def lookups(store: SampleStore, keys: int) -> float:
    """Seconds of LOOKUPS look-ups in random order, each of all samples of a key."""
    rng = Random(1)
    wanted = [_key(rng.randrange(keys)) for _ in range(LOOKUPS)]
    start = time.perf_counter()
    for key in wanted:
        if len(store.get(key, range(SAMPLES))) != SAMPLES:
            raise RuntimeError("a completion is missing that was put")
    return time.perf_counter() - start


def _key(number: int) -> str:
    return digest(number)


if __name__ == "__main__":
    main()
