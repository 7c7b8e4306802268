"""Files with another number of scores than frames: how the scores of a method become one for each frame.

    expansion = infer([Lengths("a", 6, 96), Lengths("b", 7, 100)])      one pattern for all videos, or an error
    frames = scores[expansion.index(6, 96)]

A pattern is inferred over all files at once, never file by file, and is named in the result. Where several patterns fit
that give different frames, the error lists them all and `--expand` chooses.
Letters: n scores and F frames of a video.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lavida_bench.videos.types import Counts
from lavida_gen.common.errors import DataError, UserError, problem

LONGEST_SNIPPET = 2048
"""Frames of one score up to which the pattern is looked for."""
MOST_MISSING = 64
"""Frames without a score up to which the pattern is looked for."""
USUAL_SNIPPET, USUAL_SEGMENTS = 16, 32
"""What the field uses (Sultani et al. 2018): taken where other numbers fit as well."""
SHOWN = 6  # patterns and videos listed in an error
OPTIONS = (
    "auto, none, 16 (any number of frames), ends:16, segments:32, padded:16, first:4, last:4, middle:4, clips:16, "
    "cut:16, drop:first, drop:last"
)


class Lengths(NamedTuple):
    """n scores for a video of F frames."""

    key: str
    scores: int
    frames: int


@dataclass(frozen=True, slots=True)
class Expansion:
    """One pattern.

    Attributes:
        kind: Key of `KINDS`.
        number: N of the pattern.
    """

    kind: str
    number: int = 0

    @property
    def option(self) -> str:
        """What `--expand` takes for it."""
        return KINDS[self.kind].option.format(n=self.number)

    @property
    def text(self) -> str:
        """The rule in words."""
        return "one score a video" if self == ONE else KINDS[self.kind].text.format(n=self.number)

    def fits(self, scores: int, frames: int) -> bool:
        """Whether n scores can be those of F frames.

        Args:
            scores: n.
            frames: F.
        """
        wanted = KINDS[self.kind].scores(frames, self.number)
        return scores > 0 and (frames <= scores <= wanted if self.kind == "cut" else wanted == scores)

    def scores(self, frames: int) -> int:
        """How many scores F frames have.

        Args:
            frames: F.

        Returns:
            n.
        """
        return KINDS[self.kind].scores(frames, self.number)

    def index(self, scores: int, frames: int) -> Counts:
        """Which score each frame takes.

        Args:
            scores: n.
            frames: F.

        Returns:
            (F,) int64, 0..n-1.
        """
        place = KINDS[self.kind].place(np.arange(frames), frames, self.number)
        return np.clip(place, 0, scores - 1)


ONE = Expansion("segments", 1)
"""One score for all frames of a video."""


class _Kind(NamedTuple):
    """Patterns: option, rule in words, n from (F, N), place of a frame's score from (frame numbers, F, N)."""

    option: str
    text: str
    scores: Callable[[int, int], int]
    place: Callable[[Counts, int, int], Counts]


def _segment(frame: Counts, frames: int, number: int) -> Counts:
    """Segments as np.linspace cuts them: edges rounded to whole frames, half to even."""
    edges = np.linspace(0, frames, number + 1).round()
    return np.searchsorted(edges, frame, side="right") - 1


KINDS: dict[str, _Kind] = {
    "frames": _Kind("none", "one score a frame", lambda f, n: f, lambda i, f, n: i),
    "short": _Kind(
        "{n}", "one score for every {n} frames, the last one for what is left", lambda f, n: -(-f // n),
        lambda i, f, n: i // n,
    ),
    "dropped": _Kind(
        "{n}", "one score for every {n} frames, frames behind the last full {n} take the last score",
        lambda f, n: f // n, lambda i, f, n: i // n,
    ),
    "padded": _Kind(
        "padded:{n}", "filled up to a multiple of {n} scores, those behind the last frame are cut",
        lambda f, n: -(-f // n) * n, lambda i, f, n: i,
    ),
    "segments": _Kind(
        "segments:{n}", "{n} segments a video, edges by rounded np.linspace(0, frames, {n} + 1)", lambda f, n: n,
        _segment,
    ),
    "first": _Kind(
        "first:{n}", "the first {n} frames have no score and take the first one", lambda f, n: f - n,
        lambda i, f, n: i - n,
    ),
    "last": _Kind(
        "last:{n}", "the last {n} frames have no score and take the last one", lambda f, n: f - n, lambda i, f, n: i
    ),
    "middle": _Kind(
        "middle:{n}", "{n} frames have no score, half of them at each end, and take the nearest one",
        lambda f, n: f - n, lambda i, f, n: i - n // 2,
    ),
    "ends": _Kind(
        "ends:{n}", "one score for every {n} frames, and one for the last frame",
        lambda f, n: -(-f // n) + ((f - 1) % n > 0), lambda i, f, n: i // n + ((i == f - 1) & (i % n > 0)),
    ),
    "clips": _Kind(
        "clips:{n}", "an incomplete last clip of {n} frames has no scores and takes the last one",
        lambda f, n: f // n * n, lambda i, f, n: i,
    ),
    "cut": _Kind(
        "cut:{n}", "up to {n} scores more than labelled frames, those behind are cut", lambda f, n: f + n,
        lambda i, f, n: i,
    ),
    "drop-first": _Kind(
        "drop:first", "one score too many, the first is dropped", lambda f, n: f + 1, lambda i, f, n: i + 1
    ),
    "drop-last": _Kind("drop:last", "one score too many, the last is dropped", lambda f, n: f + 1, lambda i, f, n: i),
}  # fmt: skip
NUMBERED = {
    "segments": "segments",
    "padded": "padded",
    "first": "first",
    "last": "last",
    "middle": "middle",
    "ends": "ends",
    "clips": "clips",
    "cut": "cut",
}


def parse(text: str) -> tuple[Expansion, ...] | None:
    """Parse `--expand`.

    Args:
        text: The option.

    Returns:
        The patterns that it allows; None for ``auto``.

    Raises:
        UserError: There is no such pattern.
    """
    if text == "auto":
        return None
    if text == "none":
        return (Expansion("frames"),)
    if text in ("drop:first", "drop:last"):
        return (Expansion(text.replace(":", "-")),)
    name, colon, number = text.rpartition(":")
    if not re.fullmatch(r"[1-9]\d{0,6}", number) or (colon and name not in NUMBERED):
        raise UserError(problem("--expand", repr(text), OPTIONS))
    if colon:
        return (Expansion(NUMBERED[name], int(number)),)
    return (Expansion("short", int(number)), Expansion("dropped", int(number)))


def choose(option: str, lengths: Sequence[Lengths], where: object) -> Expansion:
    """Choose the pattern of all files.

    Args:
        option: `--expand`.
        lengths: Scores and frames of every video that has scores.
        where: The files, for the message.

    Returns:
        The pattern.

    Raises:
        UserError: There is no such option.
        DataError: No pattern fits all videos, or several that give different frames.
    """
    allowed = parse(option)
    if allowed is None:
        return infer(lengths, where)
    for expansion in allowed:
        if all(expansion.fits(one.scores, one.frames) for one in lengths):
            return expansion
    unfit = [one for one in lengths if not any(e.fits(one.scores, one.frames) for e in allowed)]
    key, scores, frames = unfit[0] if unfit else lengths[0]  # or some are cut short and others filled
    wanted = " or ".join(f"{KINDS[e.kind].scores(frames, e.number):,}" for e in allowed)
    got = f"{scores:,} scores for {frames:,} frames"
    raise DataError(problem(f"{where}, {key}", got, f"{wanted}, as --expand {option} has it", "--expand auto"))


def infer(lengths: Sequence[Lengths], where: object) -> Expansion:
    """Infer the one pattern that fits all files.

    Args:
        lengths: Scores and frames of every video that has scores.
        where: The files, for the message.

    Returns:
        The pattern.

    Raises:
        DataError: No pattern fits all videos, or several that give different frames.
    """
    found = distinct(candidates(lengths), lengths)
    if not found:
        raise DataError(_no_pattern(lengths, where))
    return only_pattern(found, lengths, where)


def only_pattern(found: Sequence[Expansion], lengths: Sequence[Lengths], where: object) -> Expansion:
    """Choose among patterns that give different frames.

    Args:
        found: The patterns, the usual ones first.
        lengths: Scores and frames of every video that has scores.
        where: The files, for the message.

    Returns:
        The only one, or the usual one of snippets and segments.

    Raises:
        DataError: There are several.
    """
    usual = [e for e in found if (e.kind, e.number) in USUAL]
    if usual and not {"first", "last", "drop-first", "drop-last"} & {e.kind for e in found}:
        return usual[0]
    if len(found) == 1:
        return found[0]
    raise DataError(_ambiguous(found, lengths, where))


USUAL = (("segments", USUAL_SEGMENTS), *((kind, USUAL_SNIPPET) for kind in ("short", "dropped", "padded", "clips")))


def candidates(lengths: Sequence[Lengths]) -> list[Expansion]:
    """All patterns that fit all videos.

    Args:
        lengths: Scores and frames of every video that has scores.

    Returns:
        The patterns, those without a number first.
    """
    if all(one.scores == one.frames for one in lengths):
        return [Expansion("frames")]
    first = lengths[0]
    less = first.frames - first.scores
    tries: list[Expansion] = [Expansion("drop-first"), Expansion("drop-last")]
    tries += segment_tries(first.scores, [one.frames for one in lengths])
    if 0 < less <= MOST_MISSING:
        tries += [Expansion("first", less), Expansion("last", less)]
        tries += [Expansion("middle", less)] if less > 1 else []
    numbers = range(2, LONGEST_SNIPPET + 1)
    tries += [Expansion("short", n) for n in _consistent(numbers, lengths, "short")]
    tries += [Expansion("dropped", n) for n in _consistent(numbers, lengths, "dropped")]
    if first.scores < 2 * first.frames:
        tries += [Expansion("padded", n) for n in _consistent(range(2, MOST_MISSING + 1), lengths, "padded")]
    tries += [Expansion("clips", n) for n in _consistent(range(2, MOST_MISSING + 1), lengths, "clips")]
    return [e for e in tries if all(e.fits(one.scores, one.frames) for one in lengths)]


def segment_tries(number: int, frames: Sequence[int]) -> list[Expansion]:
    """Segments, where their number is the usual one, also for shorter videos, or small.

    Args:
        number: Scores of each video.
        frames: F of each video.

    Returns:
        The pattern, if it is to be tried.
    """
    small = 1 <= number <= max(frames) // 2
    return [Expansion("segments", number)] if small or number == USUAL_SEGMENTS else []


def _consistent(numbers: Iterable[int], lengths: Sequence[Lengths], kind: str) -> list[int]:
    """The numbers of a kind that fit all videos."""
    left = list(numbers)
    for one in lengths:
        left = [n for n in left if KINDS[kind].scores(one.frames, n) == one.scores]
    return left


def distinct(found: Sequence[Expansion], lengths: Sequence[Lengths]) -> list[Expansion]:
    """Drop the patterns that give every frame the same score as one before them.

    Args:
        found: Patterns that fit.
        lengths: Scores and frames of every video that has scores.

    Returns:
        The others, the usual ones first.
    """
    kept: dict[bytes, Expansion] = {}
    some = sorted(set(lengths), key=lambda one: one.frames)[-20:]
    for expansion in sorted(found, key=lambda e: (e.kind, e.number) not in USUAL):
        reading = b"".join(expansion.index(one.scores, one.frames).tobytes() for one in some)
        kept.setdefault(reading, expansion)
    return list(kept.values())


def _no_pattern(lengths: Sequence[Lengths], where: object) -> str:
    wrong = [one for one in lengths if one.scores != one.frames]
    shown = ", ".join(f"{one.key} {one.scores:,} for {one.frames:,}" for one in wrong[:SHOWN])
    more = f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
    got = f"{len(wrong)} of {len(lengths)} videos have another number of scores than frames ({shown}{more})"
    todo = _nearest(lengths) or (
        "no pattern fits all of them: score every frame of the video as it decodes, whatever its header claims"
    )
    cut = Expansion("cut", USUAL_SNIPPET)
    if all(cut.fits(one.scores, one.frames) for one in lengths):
        todo = (
            f"if the labels are cut to snippets of {USUAL_SNIPPET} frames and the scores are not: --expand {cut.option}"
        )
    return problem(where, got, "one score a frame, or one pattern for all videos", todo)


def _nearest(lengths: Sequence[Lengths]) -> str:
    """The pattern that fits all but a few videos, and the first of these; "" if there is none."""
    numbers = (USUAL_SNIPPET, *range(2, LONGEST_SNIPPET + 1))
    best, misfits = Expansion("frames"), list(lengths)
    for expansion in (Expansion("frames"), *(Expansion(kind, n) for n in numbers for kind in ("short", "dropped"))):
        unfit = [one for one in lengths if not expansion.fits(one.scores, one.frames)]
        if len(unfit) < len(misfits):
            best, misfits = expansion, unfit
    few = len(lengths) // (2 if (best.kind, best.number) in USUAL else 10)
    if best.kind == "frames" or len(misfits) > few:
        return ""
    key, scores, frames = misfits[0]
    fitting = f"{len(lengths) - len(misfits)} of {len(lengths)} videos have {best.text}"
    return f"{fitting}; not {key} ({scores:,} for {frames:,} frames, expected {best.scores(frames):,})"


def _ambiguous(found: Sequence[Expansion], lengths: Sequence[Lengths], where: object) -> str:
    one = max(lengths, key=lambda item: abs(item.frames - item.scores))
    readings = "; ".join(f"--expand {e.option} = {e.text}" for e in found[:SHOWN])
    more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
    got = (
        f"another number of scores than frames in {len(lengths)} videos ({one.key}: {one.scores:,} for {one.frames:,})"
    )
    return problem(where, got, "one score a frame", f"several readings fit, choose one: {readings}{more}")
