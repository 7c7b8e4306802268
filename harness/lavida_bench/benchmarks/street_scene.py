"""Street Scene: one camera over a street with bicycle lanes and sidewalks; what it never saw in training is an anomaly.

Its authors defined RBDC and TBDC with it. Boxes are annotated, no masks. A line is ``FILE TRACK X Y WIDTH HEIGHT``: the
number in the file's name is the frame, counted from 1; x and y are the CENTRE of the box.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from typing import ClassVar

import numpy as np

from lavida_bench.benchmarks._base import Benchmark, BenchmarkInfo, BenchmarkOptions, SplitSize
from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.benchmarks._intervals import parse_whole_number
from lavida_bench.benchmarks._tracks import RegionRow, finite_numbers, read_tracks
from lavida_bench.videos.frame_folder import FrameFolder
from lavida_bench.videos.media import is_stray
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError, problem

FPS = 15.0
VIDEOS = 35
FOLDER = re.compile(r"Test\d{3}")
LINE = "FILE TRACK X Y WIDTH HEIGHT"


class StreetScene(Benchmark[BenchmarkOptions]):
    """35 test videos as image folders of 720x1280, 15 frames a second, tracks of boxes."""

    Options: ClassVar[type[BenchmarkOptions]] = BenchmarkOptions
    about = BenchmarkInfo(
        title="Street Scene",
        page="https://www.merl.com/demos/video-anomaly-detection",
        licence="research use (MERL)",
        use="noncommercial",
        get="Download the data set from the page (or zenodo.org/records/10870472) and unpack it; --root is the folder "
        "that holds Test/. Ped1, Ped2 and Avenue have tracks of MERL in the same form, which are not read here.",
        layout="""Test/Test001/00001.jpg        frames, numbered from 1
Test/Test001/*_gt.txt         FILE TRACK X Y WIDTH HEIGHT, divided by blanks; x, y = centre of the box""",
        expected=SplitSize(VIDEOS, 146_410),
        metrics=("rbdc", "tbdc", "frame_auc"),
        names=(
            "jaywalking", "biker outside lane", "loitering", "dog on sidewalk", "car outside lane", "worker in bushes",
            "biker on sidewalk", "pedestrian reverses direction", "car making a u-turn", "car illegally parked",
            "person opening trunk", "person leaving a car on the street", "skateboarder in bike lane",
            "person sitting on bench", "metermaid ticketing a car", "car turning from parking space",
            "motorcycle driving onto sidewalk",
        ),
        cite="Ramachandra, Jones: Street Scene: A New Dataset and Evaluation Protocol for Video Anomaly Detection. "
        "WACV 2020.",
        unverified=(
            "The files were not at hand: layout and lines are those that several independent public loaders read, and "
            "one of them counted the frames. The terms of the copy at zenodo were not seen.",
            "The number of abnormal frames (43,916 in one survey, whose counts of other sets differ from their files) "
            "is not checked.",
            "Boxes are taken as they are written: centre plus and minus half the size, without rounding.",
            "Anomalies are what the training videos of this street do not show: the score of a model that has not "
            "seen them is a floor.",
        ),
    )  # fmt: skip

    def _folders(self) -> dict[str, Path]:
        """Key -> folder. Raises DataError where there is none."""
        for top in (self.root, *sorted(self.root.glob("*/")), *sorted(self.root.glob("*/*/"))):
            if top.name == "Test" or (top / "Test").is_dir():
                test = top if top.name == "Test" else top / "Test"
                found = {path.name: path for path in sorted(test.iterdir()) if FOLDER.fullmatch(path.name)}
                if found:
                    return found
        raise DataError(
            problem(self.root, "no folder Test/Test001", "the test videos", "give the folder that holds it")
        )

    def load(self, log: DefectLog) -> list[TestVideo]:
        """The videos in the order of their numbers."""
        folders = self._folders()
        names = [f"Test{number:03d}" for number in range(1, VIDEOS + 1)]
        log.missing += [name for name in names if name not in folders]
        videos = []
        for key, folder in folders.items():
            try:
                videos.append(self._video(key, folder, log))
            except DataError as error:
                log.leave_out(key, str(error))
        return videos

    def _video(self, key: str, folder: Path, log: DefectLog) -> TestVideo:
        files = [path for path in sorted(folder.glob("*_gt.txt")) if not is_stray(path.name)]
        if len(files) != 1:
            names = ", ".join(path.name for path in files)
            raise DataError(problem(folder, names or "no *_gt.txt", "one *_gt.txt, the tracks of the anomalies"))
        frames = FrameFolder.from_folder(folder, first=1, fps=FPS)
        tracks = read_tracks(files[0], frames.frame_count, log, centred_row)
        labels = np.zeros(frames.frame_count, np.bool_)
        for track in tracks:
            labels[track.frames] = True
        return TestVideo(key, frames.frame_count, frames.size, frames, FPS, self.anomaly_names, labels, tracks=tracks)


def centred_row(text: str, where: str) -> tuple[int, RegionRow]:
    """Read a line of a track file.

    Args:
        text: FILE TRACK X Y WIDTH HEIGHT; x and y are the centre of the box in pixels.
        where: File and line, for the message.

    Returns:
        Number of the track, and its region; the frame counts from 0.

    Raises:
        DataError: The line is no such line.
    """
    cells = text.split()
    if len(cells) != 6:
        raise DataError(problem(where, f"{len(cells)} words", LINE))
    x, y, width, height = finite_numbers(cells[2:], where, text)
    if width < 0 or height < 0:
        raise DataError(problem(where, f"a box of {width:g} x {height:g}", "a size of at least 0"))
    frame = parse_whole_number(PurePosixPath(cells[0].replace("\\", "/")).stem, where) - 1
    if frame < 0:
        raise DataError(problem(where, cells[0], "frames counted from 1", "take the annotation of the release"))
    left, top = x - width / 2, y - height / 2
    return parse_whole_number(cells[1], where), (frame, left, top, left + width, top + height)
