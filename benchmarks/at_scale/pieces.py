"""A large build in pieces: every other one is killed, the rest are stopped, and the next one continues."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from at_scale.log import Facts, Log
from at_scale.watched import Watched, watch

STEP = "build"


def run_piece(command: Sequence[str], folder: Path, log: Log, seconds: float, **facts: object) -> int:
    """Run a build for some time after its first new shard, or to its end.

    Args:
        command: The build, of ``FOLDER/corpus``.
        folder: The folder of the benchmark.
        log: Where the facts go.
        seconds: The time after which it is stopped.
        facts: More for the line.

    Returns:
        The exit code, negative for a signal.
    """
    corpus, before = folder / "corpus", records(folder / "corpus")
    stop = signal.SIGTERM if len(log.lines(STEP)) % 2 else signal.SIGKILL
    first: list[tuple[float, float]] = []

    def enough(seen: Watched) -> bool:
        if not first and records(corpus) > before:
            first.append((seen.wall, seen.parent.cpu))
        return bool(first) and seen.wall - first[0][0] >= seconds

    began = time.strftime("%Y-%m-%dT%H:%M:%S")
    seen = watch(command, folder / "output.txt", enough, stop)
    time.sleep(1.5)  # workers of a killed parent end within half a second
    log.add(
        step=STEP,
        began=began,
        stop=stop.name,
        shards_before=before,
        shards=records(corpus) or tars(corpus),
        first_write=first[0][0] if first else None,
        first_cpu=first[0][1] if first else None,
        left=unfinished(corpus),
        record_bytes=record_bytes(corpus),
        **facts,
        **seen.facts(),
        trace=seen.trace,
        end=seen.output[-300:] if seen.exit > 0 else "",
    )
    return seen.exit


def records(corpus: Path) -> int:
    """Finished shards of a running build."""
    folder = corpus / ".build"
    return sum(name.endswith(".jsonl") for name in os.listdir(folder)) if folder.exists() else 0


def record_bytes(corpus: Path) -> int:
    """Bytes of the records of a running build."""
    return sum(path.stat().st_size for path in (corpus / ".build").glob("*.jsonl"))


def tars(corpus: Path) -> int:
    """Shards under their final names."""
    return sum(1 for _ in corpus.glob("image/**/*.tar"))


def unfinished(corpus: Path) -> dict[str, int]:
    """Number and bytes of half-written shards: what the signal lost."""
    files = list(corpus.glob("image/**/*.partial-*"))
    return {"files": len(files), "bytes": sum(path.stat().st_size for path in files)}


def summary(pieces: Sequence[Facts], samples: int) -> Facts:
    """What all pieces of a build took.

    Args:
        pieces: Their lines.
        samples: Samples of the whole corpus.

    Returns:
        Facts: seconds, bytes, and lists with one entry for each resumed or killed piece.
    """
    cut, last = [line for line in pieces if line["exit"] != 0], pieces[-1]
    resumed = [line for line in pieces if line["shards_before"] and line["first_write"] is not None]
    cpu = sum(line["cpu"] for line in pieces)
    return {
        "pieces": len(pieces),
        "wall": sum(line["wall"] for line in pieces),
        "cpu": cpu,
        "cpu_per_sample": cpu / samples,
        "parent_cpu": sum(line["parent_cpu"] for line in pieces),
        "parent_peak": max((line["parent_peak"] for line in cut), default=0),
        "parent_peak_at_the_end": last["parent_peak"],
        "worker_peak": max(line["worker_peak"] for line in pieces),
        "parent_files": max(line["parent_files"] for line in pieces),
        "worker_files": max(line["worker_files"] for line in pieces),
        "record_bytes_per_shard": max(line.get("record_bytes", 0) / max(1, line["shards"]) for line in pieces),
        "resumed": [
            {"shards": line["shards_before"], "seconds": line["first_write"], "cpu": line.get("first_cpu")}
            for line in resumed
        ],
        "killed": [line["left"] for line in pieces if line["exit"] == -signal.SIGKILL and line["left"]],
    }
