"""Frame numbers that files of scores state: from 0 or from 1, every N-th frame, without the first or the last ones.

The numbers of all files must follow one pattern, which then is a fact, not an inference. Letters: n scores, F frames.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lavida_bench.results.expansion import Expansion, Lengths, candidates, only_pattern
from lavida_bench.videos.types import Counts
from lavida_gen.common.errors import DataError, problem

_STATED = re.compile(r"\d+|(?:frame|img|image)[ _-]?\d+|.*\d\.(?:jpe?g|png|bmp|tiff?|webp)", re.IGNORECASE)


def stated_number(name: str) -> float | None:
    """The number of a frame by which people name its score: ``12``, ``frame_0012``, ``a/000012.jpg``.

    Args:
        name: The name.

    Returns:
        The number; None for another name.
    """
    last = name.strip().replace("\\", "/").rpartition("/")[2]
    digits = re.findall(r"\d+", last) if last.isascii() and _STATED.fullmatch(last) else []
    return float(digits[-1]) if digits else None


class NumberedScores(NamedTuple):
    """The numbers of one file: order that sorts them (n,), the first one, their distance; 0 if there is only one.

    `last` is the last one where it is nearer to the one before it, as with "every 16th frame and the last one"; else 0.
    """

    order: Counts
    first: int
    step: int
    last: int = 0


def sort_numbers(numbers: NDArray[np.float64], where: object) -> NumberedScores:
    """Sort the numbers of a file.

    Args:
        numbers: (n,) as written, in any order.
        where: The file, for the message.

    Returns:
        Their order, first one and distance.

    Raises:
        DataError: They are no whole numbers, repeat, or have no constant distance.
    """
    order = np.argsort(numbers, kind="stable")
    ascending = numbers[order]
    whole = np.isfinite(ascending).all() and (ascending == np.floor(ascending)).all()
    if not whole or ascending[0] < 0 or ascending[-1] >= 2**53:
        raise DataError(problem(where, "frame numbers that are no whole numbers from 0", "0, 1, 2, ..."))
    gaps = np.diff(ascending)
    nearer = len(gaps) > 1 and 0 < gaps[-1] < gaps[0]
    steps = np.unique(gaps[:-1] if nearer else gaps)
    if len(steps) > 1 or 0 in steps:
        twice = np.flatnonzero(gaps == 0)
        found, counts = np.unique(gaps, return_counts=True)
        odd = int(twice[0] if len(twice) else np.flatnonzero(gaps != found[counts.argmax()])[0])
        one, other = f"{ascending[odd]:g}", f"{ascending[odd + 1]:g}"
        shown = f"{one} comes twice" if len(twice) else f"after {one} comes {other}"
        got = f"{len(numbers)} frames from {ascending[0]:g} to {ascending[-1]:g}, {shown}"
        raise DataError(problem(where, got, "each frame once, or one in every N", "list each frame once"))
    step = int(steps[0]) if len(steps) else 0
    return NumberedScores(order, int(ascending[0]), step, int(ascending[-1]) if nearer else 0)


def pattern(numbered: Mapping[str, NumberedScores], lengths: Sequence[Lengths], where: object) -> tuple[Expansion, str]:
    """The one pattern of the numbers of all files.

    Args:
        numbered: Key of a video -> its numbers.
        lengths: Scores and frames of the same videos.
        where: The files, for the message.

    Returns:
        The pattern, and a sentence about where the numbers begin; "" for frames from 0.

    Raises:
        DataError: The numbers follow no pattern that fits the videos, or two.
    """
    frames = {one.key: one.frames for one in lengths}
    steps = {one.step for one in numbered.values() if one.step} or {1}
    firsts = {one.first for one in numbered.values()}
    if len(steps) == 1 and len(firsts) == 1:
        (step,), (first,) = steps, firsts
        for base in (0, 1):
            nearer = [key for key, one in numbered.items() if one.last]
            if any(numbered[key].last - base != frames[key] - 1 for key in nearer):
                continue
            found = _pattern(first - base, step, lengths, bool(nearer))
            if base == 0 and found == Expansion("first", 1):  # or the last one is missing and they count from 1
                only_pattern([found, Expansion("last", 1)], lengths, where)
            if found is not None:
                return found, "frames are counted from 1 in all files" if base else ""
    usual = Counter((numbers.first, numbers.step) for numbers in numbered.values()).most_common(1)[0][0]
    odd = (one for one in lengths if (numbered[one.key].first, numbered[one.key].step) != usual)
    one = next(odd, lengths[0])
    numbers = numbered[one.key]
    last = numbers.last or numbers.first + (one.scores - 1) * numbers.step
    every = f", every {numbers.step}" if numbers.step > 1 else ""
    got = f"{one.scores} frames from {numbers.first} to {last}{every}"
    todo = "number the frames of all files alike, from 0 or from 1"
    raise DataError(problem(f"{where}, {one.key}", got, f"0..{one.frames - 1}", todo))


def _pattern(first: int, step: int, lengths: Sequence[Lengths], nearer: bool) -> Expansion | None:
    """The pattern of numbers that begin at `first`, from 0; None if they do not fit."""
    if first < 0:
        return None
    if nearer:
        tries = [Expansion("ends", step)] if first == 0 else []
    elif step > 1:
        tries = [Expansion("short", step), Expansion("dropped", step)] if first == 0 else []
    elif first:
        tries = [Expansion("first", first)]
    else:
        tries = [Expansion("frames"), *(e for e in candidates(lengths) if e.kind in ("last", "clips"))]
    return next((e for e in tries if all(e.fits(one.scores, one.frames) for one in lengths)), None)
