"""The benches that need no model, each in its short form: what they tell is there to be read."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCH = Path(__file__).parents[2] / "scripts" / "bench"

FIGURES = {
    "coverage": ["ci95_coverage", "optimism_points"],
    "memory": ["peak_rss_mb", "growth_mb"],
    "overhead": ["calls_per_second", "bare_loop_calls_per_second"],
    "racing": ["saved", "false_stops"],
    "samplers": ["table_tpe_drawn_flops", "table_archon_bo_true_score_of_selected"],
    "saturation": ["wall_over_bound", "peer_pattern_over_bound"],
    "size": ["archsearch"],
    "startup": ["archsearch_check_s"],
    "store": ["inserts_per_second", "lookups_per_second", "bytes_each", "open_seconds"],
}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "figures"), FIGURES.items())
def test_tells_its_figures_as_json(name: str, figures: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, BENCH / f"{name}.py", "--quick", "--json"],
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert all(isinstance(told[figure], (int, float, list)) for figure in figures)
