"""Opening many video files at once: counting frames waits for the disk, so several are opened at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.videos.video_file import VideoFile
from lavida_gen.common.errors import DataError

AT_ONCE = 8


def open_all(paths: Iterable[tuple[str, Path]], log: DefectLog) -> Iterator[tuple[str, VideoFile]]:
    """Open video files, AT_ONCE at a time.

    Args:
        paths: (key, file) pairs.
        log: Gets the files that cannot be opened.

    Yields:
        (key, opened video) in the given order, without those that cannot be opened.
    """

    def open_one(item: tuple[str, Path]) -> VideoFile | DataError:
        try:
            return VideoFile(item[1])
        except DataError as error:
            return error

    items = list(paths)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for (key, _), opened in zip(items, pool.map(open_one, items), strict=True):
            if isinstance(opened, DataError):
                log.leave_out(key, str(opened))
            else:
                yield key, opened
