"""The layout of UCSD Ped1 and Ped2, which the drawn benchmark `street` shares.

Source: http://www.svcl.ucsd.edu/projects/anomaly/dataset.htm

Test/TestNNN/NNN.tif      frames, numbered from 1; copies that begin with 000 are read too
Test/TestNNN_gt/*.bmp     masks, for some or all videos
Test/NAME.m               TestVideoFile{end+1}.gt_frame = [a:b, c:d];   frames from 1, ends inclusive
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import ClassVar

from pydantic import Field
from typing_extensions import TypeVar

from lavida_bench.benchmarks._base import Benchmark, BenchmarkOptions, SplitSize
from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.benchmarks._intervals import (
    Interval,
    checked_interval,
    intervals_to_labels,
    parse_whole_number,
    refuse_late,
)
from lavida_bench.benchmarks._lossy_masks import log_lossy
from lavida_bench.benchmarks._tracks import folder_tracks
from lavida_bench.videos.frame_folder import FrameFolder
from lavida_bench.videos.mask_files import MaskFiles
from lavida_bench.videos.media import is_stray, numbered_files
from lavida_bench.videos.types import Bits, TestVideo
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import read_input

FOLDER = re.compile(r"Test(\d+)")
COMMENT = re.compile(r"^\s*%\{\s*$.*?^\s*%\}\s*$|%[^\n]*", re.MULTILINE | re.DOTALL)
CONTINUED = re.compile(r"\.\.\.[^\n]*\n")
ENTRY = re.compile(r"(?:\{\s*(end\s*\+\s*1|\d+)\s*\})?\.gt_frame\s*=\s*(?:\[([^\]]*)\]|([\d:\s]+?)\s*(?=[;\n]|$))")
RANGE = re.compile(r"(\d+)\s*(?::\s*(\d+))?")
FPS = 10.0


class UcsdOptions(BenchmarkOptions):
    """The data set has no tracks; some were annotated later."""

    tracks: Path | None = Field(None, description="folder of VIDEO.txt with tracks, for RBDC and TBDC")


UcsdOptionsT_co = TypeVar("UcsdOptionsT_co", bound=UcsdOptions, covariant=True, default=UcsdOptions)


class Ucsd(Benchmark[UcsdOptionsT_co]):
    """A benchmark in this layout.

    Attributes:
        folder: Name of the folder that contains Test/, and of the .m file.
        unmasked: How many of its videos come without masks.
    """

    Options: ClassVar[type[BenchmarkOptions]] = UcsdOptions
    folder: ClassVar[str]
    unmasked: ClassVar[int] = 0

    def _ranges(self) -> list[list[Interval]]:
        return read_ranges(dataset_folder(self.root, self.folder) / "Test" / f"{self.folder}.m")

    def annotated(self) -> SplitSize:
        """Videos and abnormal frames according to the .m file."""
        ranges = self._ranges()
        abnormal = sum(interval.stop - interval.start for intervals in ranges for interval in intervals)
        return SplitSize(len(ranges), None, abnormal)

    def load(self, log: DefectLog) -> list[TestVideo]:
        """The videos below Test/, in the order of their numbers."""
        folder = dataset_folder(self.root, self.folder)
        return load_videos(folder, self._ranges(), self.options.tracks, self.anomaly_names, log, self.unmasked)


def read_ranges(path: Path) -> list[list[Interval]]:
    """Read the frame labels of UCSD.

    Args:
        path: The .m file.

    Returns:
        For each test video in order its abnormal intervals, 0-based.

    Raises:
        DataError: The file cannot be read, names no video, or a range is invalid.
    """
    text = read_input(path, expected="the frame labels", todo="it comes with the frames, in Test/").decode("latin-1")
    code = CONTINUED.sub(" ", COMMENT.sub("", "\n".join(text.splitlines())) + "\n")
    form = "TestVideoFile{end+1}.gt_frame = [a:b];"
    found: dict[int, str] = {}
    for index, *ranges in ENTRY.findall(code):
        number = int(index) if index.isdigit() else max(found, default=0) + 1
        if number in found:
            raise DataError(problem(path, f"entry {number} appears again", "one entry for each video"))
        found[number] = "".join(ranges)
    if not found:
        raise DataError(problem(path, "names no video", form))
    stated = code.count(".gt_frame")
    if stated != len(found):
        raise DataError(problem(path, f"{stated} times .gt_frame, {len(found)} of them with frames", form))
    return [_entry(found.get(number, ""), f"{path}, entry {number}") for number in range(1, max(found) + 1)]


def _entry(text: str, where: str) -> list[Interval]:
    found = []
    for part in re.split(r"[,;\s]+(?=\d)|[,;]", text.replace(" :", ":").replace(": ", ":").strip()):
        if not part.strip():
            continue
        match = RANGE.fullmatch(part.strip())
        if match is None:
            raise DataError(problem(where, f"range {part.strip()!r}", "first:last, frames counted from 1"))
        first, last = (parse_whole_number(end, where) for end in (match[1], match[2] or match[1]))
        found.append(checked_interval(first - 1, last, where, part.strip()))
    return found


def dataset_folder(root: Path, name: str) -> Path:
    """Find the folder that contains `Test`.

    Args:
        root: This folder or one above it.
        name: ``UCSDped1`` or ``UCSDped2``.

    Returns:
        The folder.

    Raises:
        DataError: There is no such folder.
    """
    for folder in (root / name, root / "UCSD_Anomaly_Dataset.v1p2" / name, root):
        if (folder / "Test").is_dir():
            return folder
    raise DataError(problem(root, "no folder Test", f"{name}/Test", "give the folder of UCSD_Anomaly_Dataset.v1p2"))


def load_videos(
    folder: Path,
    ranges: list[list[Interval]],
    tracks: Path | None,
    names: tuple[str, ...],
    log: DefectLog,
    unmasked: int = 0,
) -> list[TestVideo]:
    """Read the test videos of a folder in this layout.

    Args:
        folder: The folder that contains Test/.
        ranges: For each video in order its abnormal intervals.
        tracks: Folder of VIDEO.txt with tracks, if there is one.
        names: Anomalies that a prompt lists.
        log: Gets the defects.
        unmasked: How many videos of the data set come without masks.

    Returns:
        The videos in the order of their numbers.
    """
    frame_folders: dict[int, Path] = {}
    for path in sorted((folder / "Test").iterdir()):
        match = FOLDER.fullmatch(path.name)
        if match is not None and path.is_dir():
            frame_folders[int(match[1])] = path
    log.missing += [f"Test{n:03d}" for n in range(1, len(ranges) + 1) if n not in frame_folders]
    stray = [path for path in (folder / "Test").rglob("*") if path.is_file() and is_stray(path.name)]
    if stray:
        log.add(folder, f"stray files: {len(stray)}", "ignored", items=stray)
    videos = []
    for number, path in sorted(frame_folders.items()):
        if number > len(ranges):
            log.add(path, f"no entry {number} in the frame labels", "left out", fatal=True)
            continue
        try:
            videos.append(_video(path, ranges[number - 1], tracks, names, log))
        except DataError as error:
            log.leave_out(path, str(error))
    without = [video.key for video in videos if not video.has_pixels]
    if without and len(without) < len(videos):
        what = f"masks for {len(videos) - len(without)} of {len(videos)} videos"
        log.add(folder, what, "pixel metrics are over these alone", fatal=len(without) > unmasked, items=without)
    return videos


def _video(
    folder: Path, intervals: list[Interval], tracks: Path | None, names: tuple[str, ...], log: DefectLog
) -> TestVideo:
    """The video whose frames are in `folder`."""
    numbers = numbered_files(folder)
    frames = FrameFolder.from_folder(folder, first=0 if 0 in numbers else 1, fps=FPS)
    count = frames.frame_count
    refuse_late(intervals, count, folder)
    beyond = [interval for interval in intervals if interval.stop > count]
    if beyond:
        log.add(folder, f"labelled up to frame {beyond[-1].stop} of {count}", "clamped to the video")
    labels = intervals_to_labels(intervals, count)
    return TestVideo(
        key=folder.name,
        frame_count=count,
        size=frames.size,
        reader=frames,
        fps=FPS,
        names=names,
        frame_labels=labels,
        mask_reader=_masks(folder, frames, labels, log),
        tracks=folder_tracks(tracks, folder.name, labels, log),
    )


def _masks(frame_folder: Path, frames: FrameFolder, labels: Bits, log: DefectLog) -> MaskFiles | None:
    """Masks of TestNNN_gt, numbered from 1, or from 0 where there is a 0; None if there are none."""
    folder = frame_folder.with_name(f"{frame_folder.name}_gt")
    if not folder.is_dir():
        return None
    numbered = numbered_files(folder)
    if not numbered:
        return None
    files = {number - (0 not in numbered): path for number, path in numbered.items()}
    missing = [n + 1 for n in range(frames.frame_count) if n not in files]
    lost = [n for n in missing if labels[n - 1]]
    beyond = [n + 1 for n in files if not 0 <= n < frames.frame_count]
    if lost:
        what = f"no mask for {len(lost)} abnormal frames"
        log.add(folder, what, "these count as without anomalous pixels", fatal=True, items=lost)
    elif missing:
        log.add(folder, f"no mask for {len(missing)} normal frames", "these have no anomalous pixels", items=missing)
    log_lossy(files, folder, log)
    if beyond:
        log.add(folder, f"masks of {len(beyond)} frames that the video does not have", "ignored", items=beyond)
    return MaskFiles(files, frames.size)
