"""Frame labels as arrays of 0 and 1, one value a frame, and the videos that they label."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.videos.media import Media, TruncatedVideo
from lavida_bench.videos.types import Bits, TestVideo
from lavida_gen.common import arrays
from lavida_gen.common.errors import DataError, problem


def read_frame_labels(path: Path) -> Bits:
    """Read the frame labels of a video.

    Args:
        path: A .npy file with an (F,) array of 0 and 1.

    Returns:
        (F,) bool, True = abnormal.

    Raises:
        DataError: The file cannot be read or holds another array.
    """
    return as_labels(read_array(path), path)


def as_labels(array: NDArray[Any], where: object) -> Bits:
    """Take an array as frame labels.

    Args:
        array: (F,) of 0 and 1.
        where: The file, for the message.

    Returns:
        (F,) bool, True = abnormal.

    Raises:
        DataError: It is another array.
    """
    plain = array.ndim == 1 and len(array) and array.dtype.kind in "fiub"
    others = array[~np.isin(array, (0, 1))].tolist() if plain else []
    if not plain or others:
        got = f"{array.dtype} {array.shape}" + (f" with a value {others[0]}" if others else "")
        raise DataError(problem(where, got, "(F,) of 0 and 1"))
    return np.asarray(array != 0)


def read_array(path: Path, mode: Literal["r"] | None = None) -> NDArray[Any]:
    """Read an array.

    Args:
        path: A .npy file.
        mode: "r" to map it into memory.

    Returns:
        The array.

    Raises:
        DataError: The file cannot be read.
    """
    try:
        found: NDArray[Any] = arrays.load_array(path, mode)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(problem(path, f"is not an array ({error})", "a .npy file", "fetch it again")) from error
    return found


FEW_FRAMES, SHARE = 2, 0.02
OTHER_ENCODING = "; at another frame rate the labels would be of other frames: take the videos of the release"


def is_another_encoding(frames: int, stated: int) -> bool:
    """Whether a video has so many frames more or less than its annotation states that its frame rate may differ.

    Decoders and containers differ by a frame or two; a share of frames means another rate or a cut video.

    Args:
        frames: F of the video.
        stated: Frames according to the annotation.
    """
    return abs(frames - stated) > max(FEW_FRAMES, SHARE * stated)


def labelled_video(key: str, media: Media, labels: Bits, names: tuple[str, ...], log: DefectLog) -> TestVideo:
    """Make a test video of as many frames as are labelled.

    Args:
        key: Its key.
        media: Its frames, which may be more.
        labels: (F,) bool, True = abnormal.
        names: Names of anomalies.
        log: Gets the frames behind the labels.

    Returns:
        The video of F frames.

    Raises:
        DataError: It has fewer frames.
    """
    count = len(labels)
    if media.frame_count < count:
        todo = "the video is cut short or another one: fetch it again"
        raise DataError(problem(key, f"{media.frame_count} frames", f"{count}, as labelled", todo))
    if media.frame_count > count:
        what = f"{media.frame_count:,} frames, {count:,} of them labelled"
        other = is_another_encoding(media.frame_count, count)
        log.add(key, what, f"the rest is left out{OTHER_ENCODING if other else ''}", fatal=other)
        media = TruncatedVideo(media, count)
    return TestVideo(key, count, media.size, media, media.fps, names, labels)


def those_that_fit(
    opened: Iterable[tuple[str, Media]], make: Callable[[str, Media], TestVideo], log: DefectLog
) -> Iterator[TestVideo]:
    """Make the test videos whose annotation fits their frames.

    Args:
        opened: (key, reader) pairs.
        make: Makes a test video; a DataError of it leaves the video out.
        log: Gets the videos that are left out.

    Yields:
        The videos in the given order.
    """
    for key, media in opened:
        try:
            yield make(key, media)
        except DataError as error:
            log.leave_out(key, str(error))
