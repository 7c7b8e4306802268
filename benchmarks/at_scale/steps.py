"""What is done with a finished corpus: each command with its seconds, peak of memory and open files."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from at_scale.log import Facts, Log
from at_scale.watched import watch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "gen"))

import hub_server  # isort: skip

GENERATOR = (sys.executable, "-m", "lavida_gen")


def commands(corpus: Path, recipe: Path, workers: int) -> dict[str, list[str]]:
    """The steps, in order, with their commands."""
    many, page = ["--workers", str(workers)], corpus.parent / "preview.html"
    words = {
        "build again": ["build", "--recipe", str(recipe), "--out", str(corpus), *many],
        "verify --quick": ["verify", str(corpus), "--quick", *many],
        "stats": ["stats", str(corpus), "--json"],
        "preview": ["preview", str(corpus), "--out", str(page)],
        "publish --dry-run": ["publish", str(corpus), "--repo", "someone/scale", "--dry-run", *many],
    }
    return {step: [*GENERATOR, *rest] for step, rest in words.items()}


def run_step(step: str, command: Sequence[str], folder: Path, log: Log, **facts: object) -> int:
    """Run one command on a finished corpus. The Hub is a stand-in of this process, without repositories.

    Args:
        step: Its name in the log.
        command: The command.
        folder: The folder of the benchmark.
        log: Where the facts go.
        facts: More for the line.

    Returns:
        Its exit code.
    """
    began = time.strftime("%Y-%m-%dT%H:%M:%S")
    with hub_server.Stand() as hub:
        os.environ |= {"HF_ENDPOINT": hub.endpoint, "HF_TOKEN": hub_server.WRITE}
        seen = watch(command, folder / "output.txt")
    end = seen.output[-300:] if seen.exit else ""
    log.add(step=step, began=began, **facts, **seen.facts(), trace=seen.trace, end=end)
    return seen.exit


def corpus_facts(corpus: Path) -> Facts:
    """Numbers of a finished corpus."""
    manifest = json.loads((corpus / "corpus.json").read_text())
    return {
        "samples": manifest["samples"],
        "shards": len(manifest["shards"]),
        "shard_bytes": sum(shard["bytes"] for shard in manifest["shards"]),
        "manifest_bytes": (corpus / "corpus.json").stat().st_size,
        "stats_bytes": (corpus / "stats.parquet").stat().st_size,
        "digest": manifest["digest"],
    }
