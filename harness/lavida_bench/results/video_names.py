"""The names under which people keep the scores of a video, matched to the benchmark's keys.

    match_names(["test/01.mp4", "test/02.mp4"], ["01", "02"])      {"01": ["test/01.mp4"], "02": ["test/02.mp4"]}

The exact names come first: the key, with "/" as "%2F", with the suffix of a video. Where no name is exact, folders,
upper case, #, leading zeros of numbers and words such as `_scores` do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lavida_bench.videos.media import VIDEOS, without_suffix

_WORDS = re.compile(
    r"^(scores?|preds?|predictions?)[_.-]+|[_.-]+(scores?|preds?|predictions?|i3d|c3d|feats?|features?)$"
)
_SCORES = re.compile(r"(anomaly_)?(scores?|preds?|predictions?|frames)", re.IGNORECASE)
_FILES = re.compile(r"\.(npy|npz|csv|tsv|txt|json|mat|pkl|pt)$")  # lists of features name videos by their files


def spellings(key: str) -> list[str]:
    """The names that the scores of a video may have.

    Args:
        key: The video's key.

    Returns:
        The key, with "/" as "%2F", with the suffix of a video.
    """
    encoded = key.replace("%", "%25").replace("/", "%2F")
    return list(dict.fromkeys(name + suffix for name in (key, encoded) for suffix in ("", *VIDEOS)))


def match_names(names: Iterable[str], keys: Sequence[str]) -> tuple[dict[str, list[str]], tuple[str, ...]]:
    """Match names to the videos.

    Args:
        names: Names of files or in a file.
        keys: The videos' keys.

    Returns:
        Key -> its names, and a sentence where the names are not exactly those of the videos.
    """
    given = list(names)
    there = set(given)
    exact = {key: [name for name in spellings(key) if name in there] for key in keys}
    found = {key: some for key, some in exact.items() if some}
    if found:
        return found, ()
    by_core: dict[str, list[str]] = {}
    for name in given:
        by_core.setdefault(_core(name), []).append(name)
    cores = [_core(key) for key in keys]
    loose = {k: by_core[core] for k, core in zip(keys, cores, strict=True) if core in by_core and cores.count(core) < 2}
    if not loose:
        return {}, ()
    key, (name, *_) = next(iter(loose.items()))
    return loose, (f"names are matched without their folders, additions and upper case: {name!r} is {key}",)


def _core(name: str) -> str:
    """What is left of a name without folder, suffix of a video, words such as `_scores`, zeros before a number."""
    parts = re.split(r"[/\\]|%2F", name)
    if len(parts) > 1 and _SCORES.fullmatch(parts[-1]):  # VIDEO/scores.npy
        parts.pop()
    last = parts[-1].strip().lower().replace("#", "")
    last = _WORDS.sub("", _FILES.sub("", last))
    last = _WORDS.sub("", without_suffix(last))
    return str(int(last)) if last.isascii() and last.isdigit() else last
