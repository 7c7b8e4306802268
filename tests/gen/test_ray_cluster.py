"""A Ray cluster whose nodes come and go makes the same bytes as this machine alone."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "ray_cluster.py"


@pytest.mark.long
def test_a_lost_and_an_added_node_do_not_change_the_corpus() -> None:
    pytest.importorskip("ray")
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--samples", "2400", "--json"], capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    facts = json.loads(done.stdout.splitlines()[-1])
    assert facts["same"]
    assert facts["files"] == 25 + 4, "shards of train and val, and what lies beside them"
    assert facts["lost"]["unfinished"] >= 2, "the lost node was in the middle of a shard"
    assert facts["lost"]["finished"] < facts["added"]["finished"] < facts["shards"]
