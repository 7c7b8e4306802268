"""Scores of any method from files, one or a few per video, checked against the videos before anything is computed.

    DIR/KEY.npy          (F,) frame scores
    DIR/KEY.npz          frames (F,), and optionally: scored (F,) bool, boxes (D, 4), box_frames (D,),
                         box_scores (D,), pixels (F, h, w); right and bottom of boxes EXCLUSIVE
    DIR/KEY.csv          one score per line, or frame,score with frames from 0
    DIR/KEY.json         a list of scores (null = not scored), or the names of an .npz with lists
    DIR/KEY.boxes.csv    frame,left,top,right,bottom,score beside any of them; right and bottom INCLUSIVE
    DIR/KEY.maps.npy     (F, h, w) pixel scores beside any of them, read in pieces

KEY is the video's name as the benchmark has it, with or without its suffix (.mp4); "/" in it is a folder or "%2F".
The files that `lavida-bench score` keeps can be read too. Letters: F frames of a video, D regions, h w of a map.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lavida_bench.results.score_formats import READERS
from lavida_bench.results.video_scores import VideoScoreFiles, is_rounded, read_video_score
from lavida_bench.videos.media import VIDEOS, is_stray
from lavida_bench.videos.types import TestVideo, VideoScore
from lavida_gen.common.errors import DataError, did_you_mean, problem
from lavida_gen.common.text import shorten

SHOWN = 10  # problems or names listed in an error
PARTS = (".boxes.csv", ".maps.npy")


@dataclass(frozen=True, slots=True)
class ScoreFiles:
    """Files of scores, matched to videos.

    Attributes:
        folder: Where they are.
        files: Key of a video -> its files.
        extra: Names of files that belong to no video.
    """

    folder: Path
    files: dict[str, VideoScoreFiles]
    extra: tuple[str, ...]

    @classmethod
    def find(cls, folder: Path, videos: Sequence[TestVideo]) -> ScoreFiles:
        """Match the files of a folder to videos, by name.

        Args:
            folder: The folder, searched with its subfolders.
            videos: The test videos.

        Returns:
            The files of each video.

        Raises:
            DataError: There is no such folder, it has scores of none of the videos, or two files for one video.
        """
        if not folder.is_dir():
            raise DataError(problem(folder, "no such folder", "a folder of scores, one file per video"))
        by_name = _files_by_name(folder)
        files, extra = {}, dict(by_name)
        for video in videos:
            names = [name for name in _spellings(video.key) if name in by_name]
            if len(names) > 1:
                got = f"scores under {names[0]!r} and under {names[1]!r}"
                raise DataError(problem(f"{folder}, {video.key}", got, "one of them", "remove the other"))
            if names:
                files[video.key] = by_name[names[0]]
                extra.pop(names[0], None)
        if not files:
            hint = f"there are {', '.join(sorted(extra)[:3])}" if extra else "no .npy, .npz, .csv or .json is there"
            example = f"{videos[0].key}.npy" if videos else "KEY.npy"
            got = f"scores of none of the {len(videos)} videos; {hint}"
            raise DataError(problem(folder, got, f"files as {example}"))
        return cls(folder, files, tuple(sorted(extra)))

    def missing(self, videos: Sequence[TestVideo]) -> list[str]:
        """Keys of the videos without scores."""
        return [video.key for video in videos if video.key not in self.files]

    def notes(self) -> tuple[str, ...]:
        """Sentences for the top of a report: files that were not used, scores that were changed in reading."""
        notes = []
        if self.extra:
            notes.append(f"{len(self.extra)} files of no test video were ignored: {shorten(self.extra, SHOWN)}")
        rounded = [key for key, files in self.files.items() if is_rounded(files)]
        if rounded:
            notes.append(
                f"pixel scores of {len(rounded)} videos are rounded to float16: pixel metrics are exact for these"
            )
        return tuple(notes)

    def check(self, videos: Sequence[TestVideo], allow_partial: bool) -> None:
        """Read the frame scores of every video, to find all problems before anything is computed.

        Args:
            videos: The test videos.
            allow_partial: Whether videos may have no scores.

        Raises:
            DataError: With all missing videos, or all problems of names and lengths.
        """
        missing = self.missing(videos)
        if missing and not allow_partial:
            raise DataError(self._missing_problem(missing, len(videos)))
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

    def _missing_problem(self, missing: list[str], total: int) -> str:
        got = f"scores of {total - len(missing)} of {total} videos; missing: {shorten(missing, SHOWN)}"
        hints = []
        for name in self.extra[:SHOWN]:
            hint = did_you_mean(name, missing)
            if hint:
                hints.append(f"{name!r}: {hint}")
        if hints:
            got += f"; names that no video has: {', '.join(hints)}"
        return problem(self.folder, got, "one file per video", "or use --allow-partial, which marks the result partial")

    def score(self, video: TestVideo) -> VideoScore | None:
        """Read the scores of a video.

        Args:
            video: The video.

        Returns:
            Its scores, None if there are none. Pixel maps are read on access.

        Raises:
            DataError: A file cannot be read or does not fit the video.
        """
        files = self.files.get(video.key)
        return None if files is None else read_video_score(files, video)

    def pairs(self, videos: Sequence[TestVideo]) -> Iterator[tuple[TestVideo, VideoScore | None]]:
        """Each video with its scores, one at a time. Raises DataError as `score` does."""
        for video in videos:
            yield video, self.score(video)


def _files_by_name(folder: Path) -> dict[str, VideoScoreFiles]:
    """Name -> files, of everything below a folder. Raises DataError for two main files of one name."""
    by_name: dict[str, VideoScoreFiles] = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or is_stray(path.name):
            continue
        name = path.relative_to(folder).as_posix()
        part = next((suffix for suffix in PARTS if name.endswith(suffix)), None)
        if part is None and path.suffix.lower() not in READERS:
            continue
        files = by_name.setdefault(name.removesuffix(part or path.suffix), VideoScoreFiles())
        if part == ".boxes.csv":
            files.boxes = path
        elif part == ".maps.npy":
            files.maps = path
        elif files.main is not None:
            raise DataError(problem(path, f"{files.main.name} has the same name", "one of them", "remove the other"))
        else:
            files.main = path
    return {name: files for name, files in by_name.items() if files.main is not None}


def _spellings(key: str) -> list[str]:
    """The names that the files of a video may have."""
    encoded = key.replace("%", "%25").replace("/", "%2F")
    return list(dict.fromkeys(name + suffix for name in (key, encoded) for suffix in ("", *VIDEOS)))
