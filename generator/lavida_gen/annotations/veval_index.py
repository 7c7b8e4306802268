"""The compact index of an SA-Co/VEval JSON: made once, memory-mapped by every worker.

The file lists pairs of a video and a noun phrase (`video_np_pairs`). A pair with masklets has annotations, one for each
masklet with a mask or null for each frame; people looked for the phrase of a pair without any in vain. `categories` has
the phrases of all subsets, most of which have nothing to do with the file.
https://github.com/facebookresearch/sam3 scripts/eval/veval
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lavida_gen.annotations import json_file, json_stream
from lavida_gen.annotations.problem_list import MAX_PROBLEMS, ProblemList
from lavida_gen.common.errors import DataError, problem
from lavida_gen.scenes import masks
from lavida_gen.scenes.masks import RLE
from lavida_gen.storage import cache
from lavida_gen.storage.cache import Arrays, PackedBytes, PackedTexts

VERSION = 1
NEEDED = ("videos", "annotations", "video_np_pairs")


@dataclass(frozen=True, slots=True)
class Masklet:
    """One annotation.

    Attributes:
        phrase: Its noun phrase.
        row: Its row in the index.
        crowd: Whether it covers several things at once.
    """

    phrase: str
    row: int
    crowd: bool


class VevalIndex:
    """Masklets and phrases by video; videos are numbered in the order of the file.

    Attributes:
        path: The JSON.
        digest: SHA-256 of that file.
        phrases: All phrases of its pairs and masklets, distinct.
    """

    def __init__(self, path: Path, arrays: Arrays, digest: str) -> None:
        self.path, self.digest = path, digest
        self.phrases = PackedTexts(arrays["phrases"], arrays["phrases_at"])[:]
        self._files = PackedTexts(arrays["files"], arrays["files_at"])
        self._size = arrays["size"]
        self._first: NDArray[np.int64] = arrays["first"]
        self._frames_before: NDArray[np.int64] = arrays["frames_before"]
        self._phrase, self._crowd = arrays["phrase"], arrays["crowd"]
        self._counts = PackedBytes(arrays["counts"], arrays["counts_at"])
        self._pairs = {key: (arrays[key], arrays[f"{key}_at"]) for key in ("negative", "undrawn")}

    def __len__(self) -> int:
        return len(self._size)

    def files(self, video: int) -> list[str]:
        """Names of the image files of a video, in order of time; not checked."""
        return self._files[video].split("\n")

    def size(self, video: int) -> tuple[int, int]:
        """(H, W) of a video in pixels."""
        height, width = self._size[video].tolist()
        return height, width

    def masklets(self, video: int) -> list[Masklet]:
        """The masklets of a video, in the order of the file."""
        start, stop = self._first[video : video + 2].tolist()
        rows = zip(self._phrase[start:stop].tolist(), self._crowd[start:stop].tolist(), strict=True)
        return [Masklet(self.phrases[phrase], start + at, crowd == 1) for at, (phrase, crowd) in enumerate(rows)]

    def mask(self, masklet: Masklet, frame: int, size: tuple[int, int]) -> RLE | None:
        """The mask of a masklet.

        Args:
            masklet: One of `masklets`.
            frame: Number of the frame, from 0.
            size: (H, W) of its video.

        Returns:
            The mask, None where it is not visible.
        """
        counts = self._counts[int(self._frames_before[masklet.row]) + frame]
        return RLE(*size, counts) if counts else None

    def negative(self, video: int) -> list[str]:
        """Phrases that people looked for in a video and did not find."""
        return self._paired("negative", video)

    def undrawn(self, video: int) -> list[str]:
        """Phrases that have masklets by their pair, of which the file has none."""
        return self._paired("undrawn", video)

    def _paired(self, key: str, video: int) -> list[str]:
        phrases, ends = self._pairs[key]
        start, stop = ends[video : video + 2].tolist()
        return [self.phrases[number] for number in phrases[start:stop].tolist()]


def open_index(path: Path) -> VevalIndex:
    """Open the index of an SA-Co/VEval JSON; the first call makes it.

    Args:
        path: The JSON.

    Returns:
        The index.

    Raises:
        DataError: The file has problems; the message lists them.
    """
    digest = cache.file_digest(path)
    return VevalIndex(path, cache.cached_arrays("veval", VERSION, [digest], lambda: _Reader(path).read()), digest)


@dataclass(slots=True)
class _Reader:
    """Reads one file; call `read` once."""

    path: Path
    videos: dict[str, int] = field(default_factory=dict)
    files: list[list[str]] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    phrases: dict[str, int] = field(default_factory=dict)
    tracks: list[tuple[str, int, bool, int, int]] = field(default_factory=list)  # video, phrase, crowd, first, frames
    counts: bytearray = field(default_factory=bytearray)
    ends: array[int] = field(default_factory=lambda: array("q", [0]))
    masked: dict[int, tuple[int, int]] = field(default_factory=dict)  # track -> (H, W) of its masks
    pairs: list[tuple[str, int, bool]] = field(default_factory=list)  # video, phrase, whether it has masklets
    problems: ProblemList = field(default_factory=lambda: ProblemList(MAX_PROBLEMS))

    def read(self) -> Arrays:
        """The arrays of a VevalIndex. Raises DataError."""
        readers = {"videos": self._video, "annotations": self._track, "video_np_pairs": self._pair}
        seen = set()
        for key, number, value in json_stream.members(self.path):
            seen.add(key)
            if key not in readers or number == json_stream.EMPTY:
                continue
            where = f"{key}[{number}]" if number >= 0 else key
            try:
                readers[key](value, where)
            except DataError as error:
                self.problems.add(str(error))
        for key in NEEDED:
            if key not in seen:
                self.problems.add(f"has no {key!r}; expected a JSON of SA-Co/VEval, such as saco_veval_sav_val.json")
        self.problems.raise_if_any(self.path)
        order = self._checked_order()
        self.problems.raise_if_any(self.path)
        return self._arrays(order)

    def _video(self, value: object, where: str) -> None:
        ident = _ident(value, "id", where)
        names = json_file.member(value, "file_names", list, where)
        if not names or not all(isinstance(name, str) and name and "\n" not in name for name in names):
            raise DataError(problem(where, f"file_names is {str(names)[:40]}", "the names of its frames"))
        if ident in self.videos:
            raise DataError(problem(where, f"id {ident} is used twice", "unique ids"))
        self.videos[ident] = len(self.videos)
        self.files.append(names)
        height, width = (json_file.integer(value, key, where) for key in ("height", "width"))
        self.sizes.append((height, width))

    def _track(self, value: object, where: str) -> None:
        video, phrase = _ident(value, "video_id", where), self._phrase(value, where)
        assert isinstance(value, dict)
        masklet = json_file.member(value, "segmentations", list, where)
        first, size = len(self.ends) - 1, None
        for frame, segmentation in enumerate(masklet):
            mask = _mask(segmentation, f"{where} frame {frame}")
            if mask is not None and size not in (None, mask.size):
                raise DataError(problem(f"{where} frame {frame}", f"size {mask.size}", f"{size}, as in earlier frames"))
            size = mask.size if mask is not None else size
            self.counts += mask.counts if mask is not None else b""
            self.ends.append(len(self.counts))
        if size is not None:
            self.masked[len(self.tracks)] = size
        self.tracks.append((video, phrase, bool(value.get("iscrowd")), first, len(masklet)))

    def _pair(self, value: object, where: str) -> None:
        video, phrase = _ident(value, "video_id", where), self._phrase(value, where)
        assert isinstance(value, dict)
        self.pairs.append((video, phrase, bool(value.get("num_masklets"))))

    def _phrase(self, value: object, where: str) -> int:
        """Number of a noun phrase. Raises DataError."""
        text = " ".join(json_file.member(value, "noun_phrase", str, where).split())
        if not text:
            raise DataError(problem(where, "has a blank noun_phrase", "the words that it stands for"))
        return self.phrases.setdefault(text, len(self.phrases))

    def _checked_order(self) -> list[int]:
        """The tracks sorted by video. Problems of tracks and pairs are added."""
        for number, (video, _, _, _, frames) in enumerate(self.tracks):
            where = f"annotations[{number}]"
            if video not in self.videos:
                self.problems.add(f"{where}: video_id {video} is no video of this file")
                continue
            row = self.videos[video]
            if frames != len(self.files[row]):
                self.problems.add(
                    f"{where}: has {frames} masks; expected {len(self.files[row])}, the frames of its video"
                )
            if self.masked.get(number, self.sizes[row]) != self.sizes[row]:
                self.problems.add(f"{where}: masks of size {self.masked[number]}; expected {self.sizes[row]}")
        for number, (video, _, _) in enumerate(self.pairs):
            if video not in self.videos:
                self.problems.add(f"video_np_pairs[{number}]: video_id {video} is no video of this file")
        return sorted(range(len(self.tracks)), key=lambda number: self.videos.get(self.tracks[number][0], -1))

    def _arrays(self, order: list[int]) -> Arrays:
        tracks = [self.tracks[number] for number in order]
        of_video = np.bincount([self.videos[track[0]] for track in tracks], minlength=len(self.videos))
        counts, ends = memoryview(self.counts), self.ends
        rows = [range(first, first + frames) for _, _, _, first, frames in tracks]
        drawn = {(self.videos[track[0]], track[1]) for track in tracks}
        negative: list[dict[int, None]] = [{} for _ in self.videos]
        undrawn: list[dict[int, None]] = [{} for _ in self.videos]
        for video, phrase, has_masklets in self.pairs:
            row = self.videos[video]
            if (row, phrase) not in drawn:
                (undrawn if has_masklets else negative)[row][phrase] = None
        made: Arrays = {
            "size": np.array(self.sizes, np.int32).reshape(-1, 2),
            "first": np.concatenate([[0], np.cumsum(of_video)]).astype(np.int64),
            "frames_before": np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64),
            "phrase": np.array([track[1] for track in tracks], np.int32),
            "crowd": np.array([track[2] for track in tracks], np.uint8),
        }
        made["counts"], made["counts_at"] = PackedBytes.pack(
            bytes(counts[ends[at] : ends[at + 1]]) for row in rows for at in row
        )
        for key, lists in (("negative", negative), ("undrawn", undrawn)):
            made[key] = np.array([phrase for phrases in lists for phrase in phrases], np.int32)
            made[f"{key}_at"] = np.concatenate([[0], np.cumsum([len(phrases) for phrases in lists])]).astype(np.int64)
        texts: dict[str, Sequence[str]] = {
            "phrases": list(self.phrases),
            "files": ["\n".join(own) for own in self.files],
        }
        for key, column in texts.items():
            made[key], made[f"{key}_at"] = PackedBytes.pack(text.encode("utf-8", "replace") for text in column)
        return made


def _ident(value: object, key: str, where: str) -> str:
    """An id: a number or a text. Raises DataError."""
    found = value.get(key) if isinstance(value, dict) else None
    if not isinstance(found, int | str) or isinstance(found, bool) or found == "":
        raise DataError(problem(where, f"{key} is {str(found)[:40]!r}", "a number or a text"))
    return str(found)


def _mask(value: object, where: str) -> RLE | None:
    """A mask; None for null and for an empty mask, since nothing is visible in either case. Raises DataError."""
    if value is None:
        return None
    sides = json_file.member(value, "size", list, where)
    if len(sides) != 2 or not all(type(side) is int and side > 0 for side in sides):
        raise DataError(problem(where, f"size is {str(sides)[:40]}", "[height, width]"))
    size = (sides[0], sides[1])
    assert isinstance(value, dict)
    counts = value.get("counts")
    if isinstance(counts, list) and all(type(run) is int for run in counts):
        mask = masks.from_runs(counts, size, where)
    else:
        mask = masks.from_counts(json_file.member(value, "counts", str, where), size, where)
    return mask if masks.area(mask) else None
