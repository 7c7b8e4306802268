"""Reads a JSON in the form of YouTube-VIS once, and returns the columns that `masklet_index` memory-maps.

`videos` list their frames; each annotation is a masklet with a mask or null for each frame of its video. SA-Co/VEval
adds pairs of a video and a noun phrase (`video_np_pairs`): people looked for the phrase of a pair without masklets in
vain. What is wrong with one video or masklet costs that one alone.
https://github.com/youtubevos/cocoapi, https://github.com/facebookresearch/sam3 scripts/eval/veval
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lavida_gen.annotations import json_file
from lavida_gen.annotations.problem_list import MAX_PROBLEMS, LeftOut, ProblemList
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_PIXELS
from lavida_gen.large_json import json_stream
from lavida_gen.scenes import masks
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.scene import Name
from lavida_gen.storage.cache import Arrays, PackedBytes, PackedTexts

NamedBy = Literal["category", "phrase"]
"""Whether masklets are named by the file's categories (YouTube-VIS), or by a noun phrase of their own (SA-Co)."""
NO_VIDEO, NO_NAME, NO_MASK = "masklets of no video", "masklets without a name", "masklets without usable masks"
"""Why a masklet is left out."""


@dataclass(slots=True)
class _MaskletRows:
    """A masklet while the file is read: its masks are rows first .. first + frames of the counts."""

    where: str
    video: str
    name: str | int
    crowd: bool
    first: int
    frames: int
    size: tuple[int, int] | None


@dataclass(slots=True)
class MaskletReader:
    """Reads one file; call `read` once."""

    path: Path
    named_by: NamedBy
    videos: dict[str, int] = field(default_factory=dict)
    lost: set[str] = field(default_factory=set)
    files: list[list[str]] = field(default_factory=list)
    sizes: list[tuple[int, int]] = field(default_factory=list)
    names: dict[str | int, Name] = field(default_factory=dict)
    tracks: list[_MaskletRows] = field(default_factory=list)
    counts: bytearray = field(default_factory=bytearray)
    ends: array[int] = field(default_factory=lambda: array("q", [0]))
    undrawn: list[tuple[str, str | int]] = field(default_factory=list)  # video, name
    pairs: list[tuple[str, str, bool | None]] = field(default_factory=list)  # video, phrase, whether it has masklets
    unnamed: set[str] = field(default_factory=set)  # videos of masklets whose name cannot be read
    problems: ProblemList = field(default_factory=lambda: ProblemList(MAX_PROBLEMS))
    left_out: LeftOut = field(default_factory=LeftOut)

    def read(self) -> Arrays:
        """Read the file.

        Returns:
            The arrays of a `MaskletIndex`.

        Raises:
            DataError: Nothing of the file can be used; the message lists its problems.
        """
        readers = {"videos": self._video, "annotations": self._track}
        readers |= {"categories": self._category} if self.named_by == "category" else {"video_np_pairs": self._pair}
        seen = set()
        for key, number, value in json_stream.members(self.path):
            seen.add(key)
            if key in readers and number != json_stream.EMPTY:
                where = f"{key}[{number}]" if number >= 0 else key
                try:
                    readers[key](value, where)
                except DataError as error:
                    reason = {"videos": "videos that cannot be used", "annotations": NO_NAME}.get(key, f"bad {key}")
                    self.left_out.add(reason, str(error), 1 if key == "videos" else 0)
        for key in readers:
            if key not in seen:
                kind = "YouTube-VIS" if self.named_by == "category" else "SA-Co/VEval"
                self.problems.add(f"has no {key!r}; expected a JSON in the form of {kind}, with {', '.join(readers)}")
        self.problems.raise_if_any(self.path)
        if not self.videos:
            self.left_out.raise_all(self.path)
        return self._arrays([track for track in self.tracks if self._is_usable(track)])

    def _video(self, value: object, where: str) -> None:
        ident = _ident(value, "id", where)
        if ident in self.videos or ident in self.lost:
            self.problems.add(f"{where}: id {ident} is used twice; expected unique ids")
            return
        try:
            names = json_file.member(value, "file_names", list, where)
            if not names or not all(isinstance(name, str) and name and "\n" not in name for name in names):
                raise DataError(problem(where, f"file_names is {str(names)[:40]}", "the names of its frames"))
            height, width = (json_file.integer(value, key, where) for key in ("height", "width"))
            if height < 1 or width < 1 or height * width > MAX_PIXELS:
                raise DataError(problem(where, f"is {width} x {height} pixels", f"1 to {MAX_PIXELS:,} pixels"))
        except DataError:
            self.lost.add(ident)
            raise
        self.videos[ident] = len(self.videos)
        self.files.append(names)
        self.sizes.append((height, width))

    def _category(self, value: object, where: str) -> None:
        ident = json_file.integer(value, "id", where)
        text = json_file.member(value, "name", str, where).strip()
        assert isinstance(value, dict)
        if not text:
            raise DataError(problem(where, "has a blank name", "the name of the category"))
        self.names[ident] = Name(text, text, str(value.get("supercategory") or ""))

    def _name(self, value: object, where: str) -> str | int:
        """The category id or the noun phrase of a masklet or pair. Raises DataError."""
        if self.named_by == "category":
            return json_file.integer(value, "category_id", where)
        text = " ".join(json_file.member(value, "noun_phrase", str, where).split())
        if not text:
            raise DataError(problem(where, "has a blank noun_phrase", "the words that it stands for"))
        self.names.setdefault(text, Name(text))
        return text

    def _track(self, value: object, where: str) -> None:
        video = _ident(value, "video_id", where)
        try:
            name = self._name(value, where)
        except DataError:
            self.unnamed.add(video)
            raise
        assert isinstance(value, dict)
        first, written = len(self.ends) - 1, len(self.counts)
        track = _MaskletRows(where, video, name, json_file.flag(value.get("iscrowd")), first, 0, None)
        try:
            for frame, segmentation in enumerate(json_file.member(value, "segmentations", list, where)):
                mask = _mask(segmentation, f"{where} frame {frame}")
                if mask is not None and track.size not in (None, mask.size):
                    got = f"size {mask.size}"
                    raise DataError(problem(f"{where} frame {frame}", got, f"{track.size}, as in earlier frames"))
                track.size = mask.size if mask is not None else track.size
                self.counts += mask.counts if mask is not None else b""
                self.ends.append(len(self.counts))
                track.frames += 1
        except DataError as error:
            del self.counts[written:], self.ends[first + 1 :]
            self.left_out.add(NO_MASK, str(error))
            self.undrawn.append((video, name))
            return
        self.tracks.append(track)

    def _pair(self, value: object, where: str) -> None:
        video, phrase = _ident(value, "video_id", where), self._name(value, where)
        assert isinstance(value, dict)
        if video not in self.videos and video not in self.lost:
            raise DataError(f"{where}: video_id {video} is no video of this file")
        count = value.get("num_masklets")
        self.pairs.append((video, str(phrase), None if count is None else bool(count)))

    def _is_usable(self, track: _MaskletRows) -> bool:
        """Whether a masklet fits its video; it is left out else."""
        if track.video not in self.videos:
            if track.video not in self.lost:
                self.left_out.add(NO_VIDEO, f"{track.where}: video_id {track.video} is no video of this file")
            return False
        if track.name not in self.names:
            self.left_out.add(NO_NAME, f"{track.where}: category_id {track.name} is no category of this file")
            return False
        row = self.videos[track.video]
        if track.frames != len(self.files[row]):
            got = f"has {track.frames} masks; expected {len(self.files[row])}, the frames of its video"
        elif track.size not in (None, self.sizes[row]):
            got = f"masks of size {track.size}; expected {self.sizes[row]}"
        else:
            return True
        self.left_out.add(NO_MASK, f"{track.where}: {got}")
        self.undrawn.append((track.video, track.name))
        return False

    def _arrays(self, tracks: list[_MaskletRows]) -> Arrays:
        tracks.sort(key=lambda track: self.videos[track.video])
        numbers = {key: number for number, key in enumerate(self.names)}
        counts, ends = memoryview(self.counts), self.ends
        rows = [range(track.first, track.first + track.frames) for track in tracks]
        of_video = np.bincount([self.videos[track.video] for track in tracks], minlength=len(self.videos))
        made: Arrays = {
            "size": np.array(self.sizes, np.int32).reshape(-1, 2),
            "first": _offsets(of_video),
            "frames_before": _offsets([len(row) for row in rows]),
            "name": np.array([numbers[track.name] for track in tracks], np.int32),
            "crowd": np.array([track.crowd for track in tracks], np.uint8),
        }
        packed = PackedBytes.pack(bytes(counts[ends[at] : ends[at + 1]]) for row in rows for at in row)
        made["counts"], made["counts_at"] = packed
        for key, lists in self._lists(tracks).items():
            made[key] = np.array([numbers[name] for names in lists for name in names], np.int32)
            made[f"{key}_at"] = _offsets([len(names) for names in lists])
        left_out = self.left_out.rows()
        made["left_out_scenes"] = np.array([scenes for _, scenes in left_out], np.int64)
        texts: dict[str, Sequence[str]] = {
            "names": [text for name in self.names.values() for text in (name.text, name.category, name.group)],
            "files": ["\n".join(own) for own in self.files],
            "left_out": [message for message, _ in left_out],
        }
        for key, column in texts.items():
            made[key], made[f"{key}_at"] = PackedTexts.pack(column)
        return made

    def _lists(self, tracks: list[_MaskletRows]) -> dict[str, list[dict[str | int, None]]]:
        """For each video the names that are absent, and those that are there without all of their masklets."""
        undrawn: list[dict[str | int, None]] = [{} for _ in self.videos]
        for video, name in self.undrawn:
            if video in self.videos and name in self.names:
                undrawn[self.videos[video]][name] = None
        negative: list[dict[str | int, None]] = [{} for _ in self.videos]
        drawn = {(track.video, track.name) for track in tracks}
        for video, phrase, has_masklets in self.pairs:
            if video in self.videos and (video, phrase) not in drawn:
                row = self.videos[video]
                unsure = has_masklets is None and video in self.unnamed
                if has_masklets or unsure or phrase in undrawn[row]:
                    undrawn[row][phrase] = None
                else:
                    negative[row][phrase] = None
        return {"negative": negative, "undrawn": undrawn}


def _offsets(lengths: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _ident(value: object, key: str, where: str) -> str:
    """An id: a number or a text. Raises DataError."""
    found = value.get(key) if isinstance(value, dict) else None
    if not isinstance(found, int | str) or isinstance(found, bool) or found == "":
        raise DataError(problem(where, f"{key} is {str(found)[:40]!r}", "a number or a text"))
    return str(found)


def _mask(value: object, where: str) -> RLE | None:
    """A mask; None for null, [] and an empty mask, since nothing is visible in any of these. Raises DataError."""
    if value is None or value == []:
        return None
    if not isinstance(value, dict):
        raise DataError(problem(where, f"is {str(value)[:40]}", "run lengths, or null where nothing is visible"))
    written = json_file.member(value, "size", list, where)
    sides = json_file.whole_numbers(written)
    if sides is None or len(sides) != 2 or min(sides) < 1:
        raise DataError(problem(where, f"size is {str(written)[:40]}", "[height, width]"))
    size, runs = (sides[0], sides[1]), json_file.whole_numbers(value.get("counts"))
    if runs is not None:
        mask = masks.from_runs(runs, size, where)
    else:
        mask = masks.from_counts(json_file.member(value, "counts", str, where), size, where)
    return mask if masks.area(mask) else None
