"""Masks that were saved as JPEG pictures: compression adds values around each region, which a mask must not hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.videos.mask_files import HALF, is_lossy


def log_lossy(files: Mapping[int, Path], folder: Path, log: DefectLog) -> None:
    """Add the defect that masks are JPEG pictures.

    Args:
        files: Frame number -> mask.
        folder: Their folder.
        log: Gets it.
    """
    lossy = [path for path in files.values() if is_lossy(path)]
    if lossy:
        what = f"{len(lossy)} masks are JPEG pictures, whose values are not exact"
        log.add(folder, what, f"pixels from {HALF} of 255 count: save masks as PNG", items=lossy)
