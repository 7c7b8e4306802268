"""The prompt check of a score stage: its file in the run folder, its sentence in the report, its warning."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from lavida_bench.evaluation.prompt_check import LogitChange, NoFrameError, logit_changes
from lavida_bench.results.score_store import ScoreStore
from lavida_bench.videos.types import TestVideo, VideoScore
from lavida_gen.common.json_file import write_json

Changes = Mapping[str, LogitChange]
"""Group of frames -> change; {} = no frame is scored with both lists of names."""


def check_path(run: Path, slug: str) -> Path:
    """The file of the prompt check of an entry.

    Args:
        run: The run folder.
        slug: The entry's label.

    Returns:
        The path, whether or not the file exists.
    """
    return run / f"prompt_check-{slug}.json"


def measure_changes(
    videos: Sequence[TestVideo], named: ScoreStore, absent: ScoreStore, allow_partial: bool
) -> dict[str, LogitChange]:
    """Compare the scores with the names of the prompt and those with absent names.

    Args:
        videos: The videos of the protocol.
        named: The scores with the names.
        absent: The scores with absent names.
        allow_partial: Whether it is no error that no frame has both.

    Returns:
        Group of frames -> change, {} if no frame has both.

    Raises:
        NoFrameError: No frame has both, and `allow_partial` is False.
    """
    try:
        return logit_changes(_scored_twice(videos, named, absent))
    except NoFrameError:
        if not allow_partial:
            raise
        return {}


def _scored_twice(
    videos: Sequence[TestVideo], named: ScoreStore, absent: ScoreStore
) -> Iterator[tuple[TestVideo, VideoScore, VideoScore]]:
    for video in videos:
        first, second = named.read(video), absent.read(video)
        if first is not None and second is not None:
            yield video, first, second


def write_check(path: Path, names: str, absent: Sequence[str], changes: Changes) -> None:
    """Write the prompt check of an entry.

    Args:
        path: Where to.
        names: Where the names of the prompt come from.
        absent: The absent names.
        changes: What was measured; nothing is written if it is empty.

    Raises:
        DataError: The disk is full.
    """
    if changes:
        groups = {group: asdict(change) for group, change in changes.items()}
        write_json(path, {"names": names, "absent": list(absent), **groups})


def describe_changes(changes: Changes) -> str:
    """Describe the prompt check for reports.

    Args:
        changes: What was measured.

    Returns:
        One line.
    """
    parts = [f"{group} frames {change}" for group, change in changes.items()]
    return f"mean logit with the names minus with absent names: {', '.join(parts)}"


def check_warnings(changes: Changes) -> tuple[str, ...]:
    """Warn where the prompt check does not show that names matter.

    Args:
        changes: What was measured.

    Returns:
        Sentences for the top of the report.
    """
    if not changes:
        return ("the prompt check has no result: no frame is scored with both lists of names",)
    change = changes.get("abnormal") or changes["all"]
    if change.value > 0 and (change.low is None or change.low > 0):
        return ()
    return (f"the prompt check does not show that the model follows its prompt: absent names lower it by {change}",)
