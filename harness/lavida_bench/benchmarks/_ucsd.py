"""The layout of UCSD Ped1 and Ped2, which the drawn benchmark `street` shares.

Test/TestNNN/NNN.tif      frames, numbered from 1
Test/TestNNN_gt/*.bmp     masks, for some or all videos
Test/NAME.m               TestVideoFile{end+1}.gt_frame = [a:b, c:d];   frames from 1, ends inclusive
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from lavida_bench.benchmarks._base import Benchmark, BenchmarkOptions, DefectLog, SplitSize
from lavida_bench.benchmarks._intervals import Interval, checked_interval, intervals_to_labels
from lavida_bench.benchmarks._tracks import folder_tracks
from lavida_bench.videos.frame_folder import FrameFolder
from lavida_bench.videos.mask_files import MaskFiles
from lavida_bench.videos.media import is_stray, numbered_files
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError, problem

FOLDER = re.compile(r"Test(\d+)")
ENTRY = re.compile(r"\.gt_frame\s*=\s*\[([^\]]*)\]")
RANGE = re.compile(r"(\d+)\s*(?::\s*(\d+))?")
FPS = 10.0


class UcsdOptions(BenchmarkOptions):
    """UCSD comes without tracks; others have made some."""

    tracks: Path | None = Field(None, description="folder of VIDEO.txt with tracks, for RBDC and TBDC")


class Ucsd(Benchmark):
    """A benchmark in this layout. `folder` holds Test/ and names the .m file."""

    Options: ClassVar[type[BenchmarkOptions]] = UcsdOptions
    folder: ClassVar[str]

    def _ranges(self) -> list[list[Interval]]:
        return read_ranges(dataset_folder(self.root, self.folder) / "Test" / f"{self.folder}.m")

    def annotated(self) -> SplitSize:
        """Videos and abnormal frames of the .m file."""
        ranges = self._ranges()
        return SplitSize(len(ranges), None, sum(stretch.stop - stretch.start for entry in ranges for stretch in entry))

    def load(self, log: DefectLog) -> list[TestVideo]:
        """See Benchmark."""
        folder = dataset_folder(self.root, self.folder)
        return load_videos(folder, self._ranges(), self.options.tracks, self.anomaly_names, log)


def read_ranges(path: Path) -> list[list[Interval]]:
    """For each test video in order its abnormal stretches, 0-based. Raises DataError."""
    try:
        text = path.read_text("latin-1")
    except OSError as error:
        todo = "it comes with the frames, in Test/"
        raise DataError(problem(path, f"cannot be read ({error.strerror})", "the frame labels", todo)) from error
    code = "\n".join(line.partition("%")[0] for line in text.splitlines())
    entries = ENTRY.findall(code)
    if not entries:
        raise DataError(problem(path, "names no video", "TestVideoFile{end+1}.gt_frame = [a:b];"))
    return [_entry(entry, f"{path}, entry {number}") for number, entry in enumerate(entries, start=1)]


def _entry(text: str, where: str) -> list[Interval]:
    found = []
    for part in re.split(r"[,;\s]+(?=\d)|[,;]", text.replace(" :", ":").replace(": ", ":").strip()):
        if not part.strip():
            continue
        match = RANGE.fullmatch(part.strip())
        if match is None:
            raise DataError(problem(where, f"range {part.strip()!r}", "first:last, frames counted from 1"))
        first, last = int(match[1]), int(match[2] or match[1])
        found.append(checked_interval(first - 1, last, where))
    return found


def dataset_folder(root: Path, name: str) -> Path:
    """The folder that holds `Test`, whichever of its parents `root` is. Raises DataError."""
    places = [root / name, root / "UCSD_Anomaly_Dataset.v1p2" / name, root]
    for place in places:
        if (place / "Test").is_dir():
            return place
    raise DataError(problem(root, "no folder Test", f"{name}/Test", "give the folder of UCSD_Anomaly_Dataset.v1p2"))


def load_videos(
    folder: Path, ranges: list[list[Interval]], tracks: Path | None, names: tuple[str, ...], log: DefectLog
) -> list[TestVideo]:
    """The test videos below `folder`/Test, in the order of their numbers."""
    found = {
        int(m[1]): p for p in sorted((folder / "Test").iterdir()) if (m := FOLDER.fullmatch(p.name)) and p.is_dir()
    }
    log.missing += [f"Test{n:03d}" for n in range(1, len(ranges) + 1) if n not in found]
    if stray := [p for p in (folder / "Test").rglob("*") if p.is_file() and is_stray(p.name)]:
        log.add(folder, f"stray files: {len(stray)}", "ignored", items=stray)
    videos = []
    for number, place in sorted(found.items()):
        if number > len(ranges):
            log.add(place, f"no entry {number} in the frame labels", "left out", fatal=True)
            continue
        try:
            videos.append(_video(place, ranges[number - 1], tracks, names, log))
        except DataError as error:
            log.add(place, str(error), "left out", fatal=True)
    without = [video.key for video in videos if not video.has_pixels]
    if without and len(without) < len(videos):
        what = f"masks for {len(videos) - len(without)} of {len(videos)} videos"
        log.add(folder, what, "pixel metrics over these, which their report says", items=without)
    return videos


def _video(
    place: Path, stretches: list[Interval], tracks: Path | None, names: tuple[str, ...], log: DefectLog
) -> TestVideo:
    frames = FrameFolder.from_folder(place, first=1, fps=FPS)
    count = frames.frame_count
    if past := [s for s in stretches if s.stop > count]:
        log.add(place, f"labelled up to frame {past[-1].stop} of {count}", "clamped to the video")
    marks = intervals_to_labels(stretches, count)
    return TestVideo(
        key=place.name,
        frame_count=count,
        size=frames.size,
        reader=frames,
        fps=FPS,
        names=names,
        frame_labels=marks,
        mask_reader=_masks(place, frames, log),
        tracks=folder_tracks(tracks, place.name, count, bool(marks.any()), log),
    )


def _masks(place: Path, frames: FrameFolder, log: DefectLog) -> MaskFiles | None:
    """Masks of TestNNN_gt, numbered from 1 as the frames are; None if there are none."""
    folder = place.with_name(f"{place.name}_gt")
    if not folder.is_dir():
        return None
    files = {number - 1: path for number, path in numbered_files(folder).items()}
    if not files:
        return None
    lacking = [n + 1 for n in range(frames.frame_count) if n not in files]
    beyond = [n + 1 for n in files if not 0 <= n < frames.frame_count]
    if lacking:
        log.add(folder, f"no mask for {len(lacking)} frames", "these count as without anomalous pixels", items=lacking)
    if beyond:
        log.add(folder, f"masks of {len(beyond)} frames that the video does not have", "ignored", items=beyond)
    return MaskFiles(files, frames.size)
