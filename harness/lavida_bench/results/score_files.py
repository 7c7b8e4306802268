"""Scores of any method from files, one or a few a video, checked against the videos before anything is computed.

    DIR/KEY.npy          (F,) frame scores
    DIR/KEY.npz          frames (F,), and if there are any: scored (F,) bool, boxes (D, 4), box_frames (D,),
                         box_scores (D,), pixels (F, h, w)
    DIR/KEY.csv          a score a line, or frame,score with frames from 0
    DIR/KEY.json         a list of scores (null = not scored), or the names of an .npz with lists
    DIR/KEY.boxes.csv    frame,left,top,right,bottom,score beside any of them
    DIR/KEY.maps.npy     (F, h, w) pixel scores beside any of them, read in pieces

KEY is the video's name as the benchmark has it, with or without its suffix (.mp4); "/" in it is a folder or "%2F".
Also what `lavida-bench score` keeps can be read. Letters: F frames of a video, D regions, h w of a map.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lavida_bench.results import score_formats
from lavida_bench.videos.media import VIDEOS, is_stray
from lavida_bench.videos.types import TestVideo, VideoScore
from lavida_gen.common.errors import DataError, did_you_mean, problem

SHOWN = 10  # faults or names listed in an error
PARTS = (".boxes.csv", ".maps.npy")


@dataclass(frozen=True, slots=True)
class ScoreFiles:
    """Files of scores, matched to videos.

    files   key -> its files
    extra   names without a video
    """

    folder: Path
    files: dict[str, score_formats.Files]
    extra: tuple[str, ...]

    @classmethod
    def find(cls, folder: Path, videos: Sequence[TestVideo]) -> ScoreFiles:
        """Matches names. Raises DataError for a folder without scores, and where two files are of one video."""
        if not folder.is_dir():
            raise DataError(problem(folder, "no such folder", "a folder of scores, a file a video"))
        named = _named(folder)
        files, left = {}, dict(named)
        for video in videos:
            names = [name for name in _spellings(video.key) if name in named]
            if len(names) > 1:
                got = f"scores under {names[0]!r} and under {names[1]!r}"
                raise DataError(problem(f"{folder}, {video.key}", got, "one of them", "remove the other"))
            if names:
                files[video.key] = named[names[0]]
                left.pop(names[0], None)
        if not files:
            hint = f"there are {', '.join(sorted(left)[:3])}" if left else "no .npy, .npz, .csv or .json is there"
            example = f"{videos[0].key}.npy" if videos else "KEY.npy"
            raise DataError(
                problem(folder, f"scores of none of the {len(videos)} videos; {hint}", f"files as {example}")
            )
        return cls(folder, files, tuple(sorted(left)))

    def missing(self, videos: Sequence[TestVideo]) -> list[str]:
        """Keys without scores."""
        return [video.key for video in videos if video.key not in self.files]

    def notes(self) -> tuple[str, ...]:
        """For the top of a report: what was found and not used, what was changed in reading."""
        notes = []
        if self.extra:
            notes.append(f"{len(self.extra)} files of no test video were left alone: {_some(self.extra)}")
        wide = [key for key, files in self.files.items() if score_formats.is_rounded(files)]
        if wide:
            notes.append(
                f"pixel scores of {len(wide)} videos are rounded to float16: pixel metrics are exact for these"
            )
        return tuple(notes)

    def check(self, videos: Sequence[TestVideo], allow_partial: bool) -> None:
        """Reads the frame scores of every video. Raises DataError that lists all faults of names and lengths."""
        missing = self.missing(videos)
        if missing and not allow_partial:
            raise DataError(self._about_missing(missing, len(videos)))
        problems = []
        for video in videos:
            if video.key in self.files:
                try:
                    self.score(video)
                except DataError as error:
                    problems.append(str(error))
        if problems:
            more = f"\n... and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
            raise DataError("\n".join(problems[:SHOWN]) + more)

    def _about_missing(self, missing: list[str], total: int) -> str:
        got = f"scores of {total - len(missing)} of {total} videos; missing: {_some(missing)}"
        hints = [f"{name!r}: {hint}" for name in self.extra[:SHOWN] if (hint := did_you_mean(name, missing))]
        if hints:
            got += f"; names that no video has: {', '.join(hints)}"
        return problem(self.folder, got, "a file a video", "or --allow-partial, which marks the result so")

    def score(self, video: TestVideo) -> VideoScore | None:
        """The score of a video, None if there is none; maps are read when asked for. Raises DataError."""
        files = self.files.get(video.key)
        return None if files is None else score_formats.read(files, video)

    def pairs(self, videos: Sequence[TestVideo]) -> Iterator[tuple[TestVideo, VideoScore | None]]:
        """Each video with its score, one at a time."""
        for video in videos:
            yield video, self.score(video)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _named(folder: Path) -> dict[str, score_formats.Files]:
    """Name -> files, of everything below a folder. Raises DataError for two main files of one name."""
    found: dict[str, score_formats.Files] = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or is_stray(path.name):
            continue
        name = path.relative_to(folder).as_posix()
        part = next((suffix for suffix in PARTS if name.endswith(suffix)), None)
        if part is None and path.suffix.lower() not in score_formats.READERS:
            continue
        stem = name.removesuffix(part or path.suffix)
        files = found.setdefault(stem, score_formats.Files())
        if part == ".boxes.csv":
            files.boxes = path
        elif part == ".maps.npy":
            files.maps = path
        elif files.main is not None:
            raise DataError(problem(path, f"{files.main.name} has the same name", "one of them", "remove the other"))
        else:
            files.main = path
    return {stem: files for stem, files in found.items() if files.main is not None}


def _spellings(key: str) -> list[str]:
    """How a file may name a video."""
    base = key.replace("%", "%25").replace("/", "%2F")
    return list(dict.fromkeys(name + suffix for name in (key, base) for suffix in ("", *VIDEOS)))
