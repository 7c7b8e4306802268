"""Scores of any method from files, one or a few per video, checked against the videos before anything is computed.

    DIR/KEY.npy          (F,) frame scores
    DIR/KEY.npz          frames (F,), and optionally: scored (F,) bool, boxes (D, 4), box_frames (D,),
                         box_scores (D,), pixels (F, h, w); right and bottom of boxes EXCLUSIVE
    DIR/KEY.csv          one score per line, or frame,score; also .tsv, .txt; see score_table
    DIR/KEY.json         a list of scores (null = not scored), {"frame": score}, or the names of an .npz with lists
    DIR/KEY.mat          one variable
    DIR/KEY.boxes.csv    frame,left,top,right,bottom,score beside any of them; right and bottom INCLUSIVE
    DIR/KEY.maps.npy     (F, h, w) pixel scores beside any of them, read in pieces

or one file for all videos (see score_collection), given itself or alone in DIR. Where a video has another number of
scores than frames, one pattern for all files is inferred or chosen (see expansion). Boxes may stand alone.

KEY is the video's name as the benchmark has it, with or without its suffix (.mp4); "/" in it is a folder or "%2F".
The files that `lavida-bench score` keeps can be read too. Letters: F frames of a video, D regions, h w of a map.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lavida_bench.results.expansion import Expansion, Lengths, choose, parse
from lavida_bench.results.frame_numbers import NumberedScores, pattern
from lavida_bench.results.score_collection import read_collection
from lavida_bench.results.score_formats import PICKLES, READERS, pickle_reason
from lavida_bench.results.score_looks import score_looks
from lavida_bench.results.video_names import match_names, spellings
from lavida_bench.results.video_scores import VideoScoreFiles, frame_scores, read_video_score
from lavida_bench.videos.media import is_stray
from lavida_bench.videos.types import TestVideo, VideoScore
from lavida_gen.common.errors import DataError, did_you_mean, problem
from lavida_gen.common.text import shorten

SHOWN = 10  # problems or names listed in an error
PROSE = re.compile(r"(readme|license|licence|notes?|changelog)\b", re.IGNORECASE)
PARTS = (".boxes.csv", ".maps.npy")


@dataclass(frozen=True, slots=True)
class ScoreFiles:
    """Files of scores, matched to videos.

    Attributes:
        folder: Where they are.
        files: Key of a video -> its files.
        extra: Names of files, or in the one file of all videos, that belong to no video.
        unread: Files of videos without scores whose format is not read.
        expand: `--expand`.
        read_as: Sentences about how names, or a file of all videos, were read.
    """

    folder: Path
    files: dict[str, VideoScoreFiles]
    extra: tuple[str, ...]
    expand: str = "auto"
    read_as: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @classmethod
    def find(cls, where: Path, videos: Sequence[TestVideo], expand: str = "auto") -> ScoreFiles:
        """Match the files of a folder to videos, by name.

        Args:
            where: The folder, searched with its subfolders, or one file with the scores of all videos.
            videos: The test videos.
            expand: How scores become one a frame: see `expansion.parse`.

        Returns:
            The files of each video.

        Raises:
            UserError: `expand` is no pattern.
            DataError: There is no such folder, it has scores of none of the videos, or two files for one video.
        """
        parse(expand)
        if where.is_file():
            own = [video.key for video in videos if where.stem in spellings(video.key)]
            if own and len(videos) > 1 and where.suffix.lower() in READERS:  # one video's scores are not those of all
                return cls(where, {own[0]: VideoScoreFiles(where)}, (), expand)
            return cls._from_collection(where, videos, expand)
        if not where.is_dir():
            raise DataError(problem(where, "no such folder", "a folder of scores, or one file for all videos"))
        by_name, others, maps = _files_by_name(where)
        matched, notes = match_names(by_name, [video.key for video in videos])
        files, extra = {}, dict(by_name)
        for key, names in matched.items():
            if len(names) > 1:
                got = f"scores under {names[0]!r} and under {names[1]!r}"
                raise DataError(problem(f"{where}, {key}", got, "one of them", "remove the other"))
            files[key] = extra.pop(names[0])
        if files:
            unread, _ = match_names(others, [video.key for video in videos if video.key not in files])
            formats = tuple(others[names[0]] for names in unread.values())
            return cls(where, files, (*sorted(extra), *maps), expand, notes, formats)
        mains = [files.main for files in extra.values() if files.main is not None]
        if len(mains) == 1 and (len(videos) > 1 or mains[0].suffix.lower() != ".npy"):
            return cls._from_collection(mains[0], videos, expand)
        raise DataError(_nothing_found(where, sorted(extra), [*maps, *others.values()], videos))

    @classmethod
    def _from_collection(cls, path: Path, videos: Sequence[TestVideo], expand: str) -> ScoreFiles:
        suffix = path.suffix.lower()
        if suffix in PICKLES:
            raise DataError(problem(path, pickle_reason(path), "arrays of numbers"))
        if suffix not in READERS:
            raise DataError(problem(path, f"ends in {suffix or 'nothing'}", f"one of {', '.join(READERS)}"))
        found, read_as, extra = read_collection(path, videos, expand)
        files = {key: VideoScoreFiles(path, content) for key, content in found.items()}
        return cls(path, files, extra, expand, read_as)

    def expansion(self, videos: Sequence[TestVideo]) -> tuple[Expansion, tuple[str, ...]]:
        """Choose how the scores of all videos become one a frame.

        Args:
            videos: The test videos.

        Returns:
            The pattern, and sentences that name it where it is not one score a frame.

        Raises:
            DataError: A file cannot be read, or no pattern fits all videos, or several do.
        """
        lengths, numbered = [], {}
        for video in videos:
            files = self.files.get(video.key)
            given = None if files is None else frame_scores(files)
            if given is not None:
                lengths.append(Lengths(video.key, len(given.values), video.frame_count))
                if given.numbered is not None:
                    numbered[video.key] = given.numbered
        if not lengths:
            return Expansion("frames"), ()
        found, notes = self._pattern(lengths, numbered)
        if found.kind == "frames":
            return found, notes
        one = max(lengths, key=lambda item: abs(item.frames - item.scores))
        shown = f"scores are expanded: {found.text} ({one.key}: {one.scores:,} scores, {one.frames:,} frames)"
        return found, (*notes, shown)

    def _pattern(
        self, lengths: Sequence[Lengths], numbered: Mapping[str, NumberedScores]
    ) -> tuple[Expansion, tuple[str, ...]]:
        """The pattern that frame numbers state, which `--expand` and files without numbers must follow; else inferred.

        Raises DataError.
        """
        stated, note = None, ""
        try:
            if numbered:
                stated, note = pattern(numbered, [one for one in lengths if one.key in numbered], self.folder)
        except DataError:
            if self.expand == "auto":
                raise
        if stated is None:
            return choose(self.expand, lengths, self.folder), ()
        if self.expand != "auto":
            chosen = choose(self.expand, lengths, self.folder)
            if any(not np.array_equal(chosen.index(*one[1:]), stated.index(*one[1:])) for one in lengths):
                expected = f"{stated.text}, as the frame numbers in the files state"
                raise DataError(problem(self.folder, f"--expand {self.expand}", expected, "leave --expand out"))
        for one in lengths:
            if not stated.fits(one.scores, one.frames):
                first = next(iter(numbered))
                expected = f"{stated.scores(one.frames):,}: {stated.text}, as the frame numbers of {first} state"
                raise DataError(problem(f"{self.folder}, {one.key}", f"{one.scores:,} scores", expected))
        return stated, (note,) if note else ()

    def missing(self, videos: Sequence[TestVideo]) -> list[str]:
        """Keys of the videos without scores."""
        return [video.key for video in videos if video.key not in self.files]

    def notes(self, videos: Sequence[TestVideo]) -> tuple[str, ...]:
        """Describe how the files were read, for the top of a report.

        Args:
            videos: The test videos.

        Returns:
            Sentences: files that were not used, the pattern of the scores, scores that were scaled per video.

        Raises:
            DataError: As `expansion`.
        """
        notes = [*self.read_as, *self.expansion(videos)[1]]
        if self.extra and self.folder.is_dir():
            notes.append(f"{len(self.extra)} files of no test video were ignored: {shorten(self.extra, SHOWN)}")
        if self.unread:
            notes.append(f"{len(self.unread)} files were not read, for their format: {shorten(self.unread, SHOWN)}")
        given = [(v, frame_scores(self.files[v.key])) for v in videos if v.key in self.files]
        return (*notes, *score_looks([(video, scores.values) for video, scores in given if scores is not None]))

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
        problems = self._problems(videos, lambda files, video: frame_scores(files))
        if not problems:
            expansion, _ = self.expansion(videos)
            problems = self._problems(videos, lambda files, video: read_video_score(files, video, expansion))
        if problems:
            more = f"\n... and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
            raise DataError("\n".join(problems[:SHOWN]) + more)

    def _missing_problem(self, missing: list[str], total: int) -> str:
        got = f"scores of {total - len(missing)} of {total} videos; missing: {shorten(missing, SHOWN)}"
        if self.unread:
            got += f"; files of a format that is not read: {shorten(self.unread, SHOWN)}"
        alike, _ = match_names(self.extra, missing)
        hints = [f"{names[0]!r}: is it {key}?" for key, names in list(alike.items())[:SHOWN]]
        for name in () if hints else self.extra[:SHOWN]:
            hint = did_you_mean(name, missing)
            if hint:
                hints.append(f"{name!r}: {hint}")
        if hints:
            got += f"; names that no video has: {', '.join(hints)}"
        return problem(self.folder, got, "one file per video", "or use --allow-partial, which marks the result partial")

    def _problems(self, videos: Sequence[TestVideo], read: Callable[[VideoScoreFiles, TestVideo], object]) -> list[str]:
        """The errors of `read` for the files of each video."""
        problems = []
        for video in videos:
            if video.key in self.files:
                try:
                    read(self.files[video.key], video)
                except DataError as error:
                    problems.append(str(error))
        return problems

    def pairs(self, videos: Sequence[TestVideo]) -> Iterator[tuple[TestVideo, VideoScore | None]]:
        """Read the scores of each video, one at a time.

        Args:
            videos: The test videos.

        Yields:
            Each video with its scores, None if there are none. Pixel maps are read on access.

        Raises:
            DataError: A file cannot be read or does not fit its video.
        """
        expansion, _ = self.expansion(videos)
        for video in videos:
            files = self.files.get(video.key)
            yield video, None if files is None else read_video_score(files, video, expansion)


def _nothing_found(folder: Path, names: Sequence[str], others: Sequence[str], videos: Sequence[TestVideo]) -> str:
    """The message where no file is of any video."""
    pickles = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in PICKLES]
    if pickles:
        return problem(pickles[0], pickle_reason(pickles[0]), "arrays of numbers")
    hint = f"there are {', '.join(names[:3])}" if names else f"no {', '.join(READERS)} is there"
    if others and not names:
        hint += f", but {shorten(others, 3)}"
    example = f"{videos[0].key}.npy" if videos else "KEY.npy"
    todo = "give the file of all videos itself as --scores" if len(names) > 1 else ""
    got = f"scores of none of the {len(videos)} videos; {hint}"
    return problem(folder, got, f"files as {example}, or one for all", todo)


def _files_by_name(folder: Path) -> tuple[dict[str, VideoScoreFiles], dict[str, str], tuple[str, ...]]:
    """Name -> files, of everything below a folder; name -> file of other formats; and maps without frame scores.

    Raises DataError for two main files of one name.
    """
    by_name: dict[str, VideoScoreFiles] = {}
    others: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or is_stray(path.name):
            continue
        name = path.relative_to(folder).as_posix()
        part = next((suffix for suffix in PARTS if name.endswith(suffix)), None)
        if part is None and (path.suffix.lower() not in READERS or PROSE.match(path.name)):
            if not PROSE.match(path.name):
                others[_without_format(name.removesuffix(path.suffix))] = name
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
    alone = {name for name, files in by_name.items() if files.main is None and files.boxes is None}
    maps = tuple(f"{name}.maps.npy" for name in sorted(alone))
    return {name: files for name, files in by_name.items() if name not in alone}, others, maps


def _without_format(name: str) -> str:
    """A name without the suffix that is left of ``a.csv.gz``."""
    return name.removesuffix(next((suffix for suffix in READERS if name.lower().endswith(suffix)), ""))
