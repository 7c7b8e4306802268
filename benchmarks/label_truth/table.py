"""The results of the checks as a table for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from label_truth.check import Tally

KINDS = ("mask", "picture", "present", "no name", "evidence", "original")
CLASSES = ("exhaustive", "verified", "stated", "unannotated")
HEAD = ("data set", "samples", "scenes", "masks", "absent names", "of which exhaustive", "untrue")


def rows(tallies: Mapping[str, tuple[Tally, int]]) -> list[list[str]]:
    """A row for each data set, by name: its tally and the number of scenes that it holds; then the sum."""
    found = [
        [
            name,
            f"{tally.samples:,}",
            f"{len(tally.scenes):,} of {total:,}",
            f"{tally.masks:,}",
            f"{tally.absent:,}",
            f"{tally.evidence['exhaustive']:,}",
            untrue(tally),
        ]
        for name, (tally, total) in tallies.items()
    ]
    every = [tally for tally, _ in tallies.values()]
    found.append(
        [
            "all",
            f"{sum(tally.samples for tally in every):,}",
            f"{sum(len(tally.scenes) for tally in every):,}",
            f"{sum(tally.masks for tally in every):,}",
            f"{sum(tally.absent for tally in every):,}",
            f"{sum(tally.evidence['exhaustive'] for tally in every):,}",
            f"{sum(len(tally.violations) for tally in every):,}",
        ]
    )
    return found


def untrue(tally: Tally) -> str:
    """Number of violations, by kind."""
    counts = Counter(violation.kind for violation in tally.violations)
    return ", ".join(f"{counts[kind]:,} {kind}" for kind in KINDS if counts[kind]) or "0"


def markdown(head: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *body))


def examples(tally: Tally, most: int = 3) -> list[str]:
    """A few violations of each kind."""
    lines = []
    for kind in KINDS:
        found = [violation for violation in tally.violations if violation.kind == kind]
        lines += [f"    {kind}: {one.sample}: {one.text}" for one in found[:most]]
        if len(found) > most:
            lines.append(f"    {kind}: and {len(found) - most:,} more")
    return lines
