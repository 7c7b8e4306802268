"""IITB Corridor: one camera in a corridor of a campus; protest, cycling, fighting, loitering, baggage left behind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from lavida_bench.benchmarks._base import Benchmark, BenchmarkInfo, BenchmarkOptions, SplitSize
from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.benchmarks._frame_labels import labelled_video, read_frame_labels, those_that_fit
from lavida_bench.benchmarks._video_set import open_all
from lavida_bench.videos.media import find_videos, is_stray
from lavida_bench.videos.types import Bits, TestVideo
from lavida_gen.common.errors import DataError, problem

KEYS = tuple(f"{number:06d}" for number in range(209, 359))
LABELS = "Test_Annotation"


class IitbCorridor(Benchmark[BenchmarkOptions]):
    """150 test videos, 000209 to 000358."""

    Options: ClassVar[type[BenchmarkOptions]] = BenchmarkOptions
    about = BenchmarkInfo(
        title="IITB Corridor",
        page="https://rodrigues-royston.github.io/Multi-timescale_Trajectory_Prediction/",
        licence="research use",
        use="noncommercial",
        get="Download the test archive by the page, which has its password, and unpack it; --root is the folder "
        "that holds Test_IITB-Corridor.",
        layout=f"""Test_IITB-Corridor/Test/000209/000209.avi
Test_IITB-Corridor/{LABELS}/Annotation/000209/000209.npy    (F,) of 0 and 1, 1 = abnormal""",
        expected=SplitSize(len(KEYS)),
        metrics=("frame_auc",),
        names=(
            "protest", "unattended baggage", "cycling", "sudden running", "fighting", "chasing", "loitering",
            "suspicious object", "hiding the face", "playing with a ball",
        ),
        cite="Rodrigues, Bhargava, Velmurugan, Chaudhuri: Multi-timescale Trajectory Prediction for Abnormal Human "
        "Activity Detection. WACV 2020.",
        unverified=(
            "The files were not at hand: layout and labels are those that several independent public loaders read.",
            "One of them finds a frame more in each video than in its labels: frames behind the labels are left "
            "out, so that the number of test frames (181,567 in one survey) is not checked.",
        ),
    )  # fmt: skip

    def _labels(self) -> Mapping[str, Bits]:
        files: dict[str, Path] = {}
        for folder in sorted(self.root.rglob(LABELS), key=lambda path: (len(path.parts), str(path))):
            for path in sorted(folder.rglob("*.npy")):
                if not is_stray(path.name) and path.stem in KEYS:
                    files.setdefault(path.stem, path)
        if not files:
            todo = "unpack the test archive; give the folder that holds it"
            raise DataError(problem(self.root, f"no {LABELS}/Annotation/000209/000209.npy", "the frame labels", todo))
        return {key: read_frame_labels(files[key]) for key in KEYS if key in files}

    def annotated(self) -> SplitSize:
        """According to the frame labels."""
        labels = self._labels().values()
        return SplitSize(len(labels), sum(map(len, labels)), sum(int(video.sum()) for video in labels))

    def load(self, log: DefectLog) -> list[TestVideo]:
        """The labelled videos in the order of their numbers."""
        labels, files, names = self._labels(), find_videos(self.root), self.anomaly_names
        log.missing += [key for key in KEYS if key not in labels or key not in files]
        for key in labels:
            if len(files.get(key, ())) > 1:
                log.add(key, f"{len(files[key])} files of this name", f"took {files[key][0]}", items=files[key])
        opened = open_all([(key, files[key][0]) for key in labels if key in files], log)
        return list(those_that_fit(opened, lambda key, media: labelled_video(key, media, labels[key], names, log), log))
