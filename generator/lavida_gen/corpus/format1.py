"""Reading corpora of format 1, which record neither evidence nor toolchain: the values that take their place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from lavida_gen.common.json_file import JsonObject
from lavida_gen.corpus.manifest import Manifest
from lavida_gen.scenes.evidence import UNKNOWN, Use, strictest
from lavida_gen.scenes.sample import SampleRecord

NOTE = "format 1: neither evidence nor toolchain"
"""What `verify` notes about such a corpus."""
COMPUTED_FROM = {
    "evidence": ("labels",),
    "originals": ("names",),
    "seconds": ("frames", "fps"),
    "use": ("source", "exposure"),
    "anomalies": ("names", "labels"),
    "area": ("areas",),
}
"""Columns of stats.parquet that format 1 does not have, and the columns that their values are computed from."""
OWN_PIXELS = frozenset({"relabel", "several", "context", "motion", "swap", "absent", "near_miss"})
"""Exposures of 0.1.0 that copy no pixels of other scenes; `paste` and exposures of other packages do, or may."""


class Format1:
    """Completes records and rows of one corpus of format 1."""

    def __init__(self, manifest: Manifest) -> None:
        """Keep what its sources permit.

        Args:
            manifest: The corpus.
        """
        self._uses: dict[str, Use] = {entry.name: entry.use for entry in manifest.sources}

    def record(self, record: SampleRecord) -> SampleRecord:
        """A record with the keys of format 2; those that it has are kept."""
        names, labels = record["names"], record["labels"]
        return {
            "evidence": evidence(labels),
            "originals": [""] * len(names),
            "seconds": seconds(record["frames"], record["fps"]),
            "use": self.use(record["source"], record["exposure"]),
            **record,
        }

    def row(self, row: JsonObject, columns: Iterable[str]) -> JsonObject:
        """A row of stats.parquet with the new ones of some columns, computed from its own.

        Args:
            row: The row, with the columns that `COMPUTED_FROM` names.
            columns: The columns to return.
        """
        return {column: row[column] if column in row else self._column(column, row) for column in columns}

    def use(self, source: str, exposure: str) -> Use:
        """What may be done with a sample: as its source permits; the strictest of all where an exposure borrows."""
        own = exposure in OWN_PIXELS and source in self._uses
        return self._uses[source] if own else strictest(self._uses.values())

    def _column(self, column: str, row: JsonObject) -> object:
        match column:
            case "evidence":
                return evidence(row["labels"])
            case "originals":
                return [""] * len(row["names"])
            case "seconds":
                return seconds(row["frames"], row["fps"])
            case "use":
                return self.use(row["source"], row["exposure"])
            case "anomalies":
                return [name for name, label in zip(row["names"], row["labels"], strict=True) if label]
            case "area":
                return max(row["areas"])
        raise KeyError(column)


def evidence(labels: Iterable[bool]) -> list[str]:
    """The evidence of names in format 1: anomalies are annotated, the rest is unknown.

    Args:
        labels: For each name whether it is an anomaly.
    """
    return ["annotated" if label else UNKNOWN for label in labels]


def seconds(frames: int, fps: float) -> list[float]:
    """Times of frames at equal distances in seconds; all 0.0 where the rate is unknown.

    Args:
        frames: Number of frames.
        fps: Frames per second, 0.0 if unknown.
    """
    return [round(time / fps, 6) if fps else 0.0 for time in range(frames)]


def frame_times(record: Mapping[str, Any]) -> list[float] | None:
    """The times of a sample's frames after the first; None where they are unknown.

    Args:
        record: A record of a shard, or a row of stats.parquet, of either format.
    """
    if not record["fps"] > 0:
        return None
    times: list[float] = record["seconds"] if "seconds" in record else seconds(record["frames"], record["fps"])
    return times
