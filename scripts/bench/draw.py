"""Draws replies of a local model to HumanEval, for `code.py`.

    python scripts/bench/draw.py MODEL.gguf FILE [--samples 4] [--wait-for FILE]

Appends JSON lines of `task_id`, `sample` and `reply` to FILE and goes on where it ended; all
samples of one problem are drawn together. Sample i of a problem is drawn with seed i at temperature
0.8. While the file of `--wait-for` exists it waits before each problem.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

from archsearch.benchmarks.humaneval import HumanEval
from archsearch.models.llamacpp import LlamaCppConfig
from archsearch.types import Request


def main() -> None:
    """Draws what is missing."""
    flags = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    flags.add_argument("model")
    flags.add_argument("file", type=Path)
    flags.add_argument("--samples", type=int, default=4)
    flags.add_argument("--max-tokens", type=int, default=384)
    flags.add_argument("--wait-for", type=Path, default=None)
    asyncio.run(draw(flags.parse_args()))


async def draw(flags: argparse.Namespace) -> None:
    """Problem by problem."""
    lines = flags.file.read_text("utf-8").splitlines() if flags.file.exists() else []
    drawn = {json.loads(line)["task_id"] for line in lines}
    config = LlamaCppConfig(path=flags.model, slots=flags.samples, context=1024)
    model = await config.open()
    try:
        for item in HumanEval().load(10**6):
            task = f"HumanEval/{item.question.id.partition('/')[2]}"
            while flags.wait_for and flags.wait_for.exists():  # noqa: ASYNC110 - others' file
                await asyncio.sleep(5)
            if task in drawn:
                continue
            request = Request(
                model="local",
                messages=item.question.messages,
                max_tokens=flags.max_tokens,
                n=flags.samples,
                temperature=0.8,
                seed=0,
            )
            replies = {index: one.text async for index, one in model.stream(request)}
            rows = [
                {"task_id": task, "sample": index, "reply": replies[index]}
                for index in sorted(replies)
            ]
            with flags.file.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in rows)
    finally:
        await model.close()


if __name__ == "__main__":
    main()
