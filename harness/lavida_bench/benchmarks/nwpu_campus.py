"""NWPU Campus: 43 views of a campus, 28 kinds of anomalies, some of them anomalies in one view only.

Only the official test split of 242 videos: re-splits for weak supervision (TDSD: 231 test videos) move videos between
training and test, and their numbers cannot be compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from lavida_bench.benchmarks._base import Benchmark, BenchmarkInfo, BenchmarkOptions, SplitSize
from lavida_bench.benchmarks._defects import DefectLog
from lavida_bench.benchmarks._frame_labels import as_labels, labelled_video, those_that_fit
from lavida_bench.benchmarks._video_set import open_all
from lavida_bench.videos.media import Media, find_videos, without_suffix
from lavida_bench.videos.no_frames import NoFrames
from lavida_bench.videos.types import Bits, TestVideo
from lavida_gen.common import arrays
from lavida_gen.common.errors import DataError, problem

FILE = "NWPU_Campus_gt.npz"
TRAINING = "Train"


class NwpuCampusOptions(BenchmarkOptions):
    """Whether the videos are needed: the labels alone state their lengths."""

    labels_alone: bool = Field(False, description="labels without the videos, for score-files")


class NwpuCampus(Benchmark[NwpuCampusOptions]):
    """242 test videos, 124 with anomalies, 118 normal."""

    Options: ClassVar[type[BenchmarkOptions]] = NwpuCampusOptions
    about = BenchmarkInfo(
        title="NWPU Campus",
        page="https://campusvad.github.io",
        licence="academic use",
        use="noncommercial",
        get="Download all volumes of the archive that the page links to and unpack them; --root is NWPUCampusDataset. "
        f"The test videos and {FILE} suffice; `score-files` needs {FILE} alone (--set labels_alone=true).",
        layout=f"""groundtruth/{FILE}    name of a test video -> (F,) of 0 and 1, 1 = abnormal
videos/Test/D001_01.avi           scene 001, clip 01; videos below a folder {TRAINING} are not read""",
        expected=SplitSize(242, 384_059, 65_266),
        metrics=("frame_auc",),
        names=(
            "climbing a fence", "climbing a tree", "car crossing a square", "cycling on a square",
            "cycling on a footpath", "jaywalking", "crossing a lawn", "wrong turn", "U-turn",
            "driving on the wrong side", "illegal parking", "truck", "kicking a trash can", "littering",
            "snatching a bag", "stealing", "forgetting a backpack", "chasing", "loitering", "scuffle", "battering",
            "group conflict", "protest", "falling", "suddenly stopping a bicycle in the road", "playing with water",
            "photographing in a restricted area", "dog",
        ),
        cite="Cao, Lu, Wang, Zhang: A New Comprehensive Benchmark for Semi-supervised Video Anomaly Detection and "
        "Anticipation. CVPR 2023.",
        unverified=(
            "The files and the page were not at hand: layout and labels are those that several independent public "
            "loaders read; the numbers of frames are those of two papers about other sets.",
            "Some kinds of anomalies are normal in other scenes: a model that knows no scene's norm can reach a floor "
            "only.",
        ),
    )  # fmt: skip

    def _labels(self) -> dict[str, Bits]:
        found = sorted(self.root.rglob(FILE), key=lambda path: (len(path.parts), str(path)))
        if not found:
            raise DataError(problem(self.root, f"no {FILE}", "the frame labels", "it is in the folder groundtruth"))
        return read_labels(found[0])

    def annotated(self) -> SplitSize:
        """According to the frame labels."""
        labels = self._labels().values()
        return SplitSize(len(labels), sum(map(len, labels)), sum(int(video.sum()) for video in labels))

    def load(self, log: DefectLog) -> list[TestVideo]:
        """The labelled videos, sorted by key."""
        labels = self._labels()
        names = self.anomaly_names
        opened = self._media(labels, log)
        return list(those_that_fit(opened, lambda key, media: labelled_video(key, media, labels[key], names, log), log))

    def _media(self, labels: Mapping[str, Bits], log: DefectLog) -> Iterator[tuple[str, Media]]:
        """(key, reader) of each labelled video that is at hand."""
        if self.options.labels_alone:
            yield from ((key, NoFrames(key, len(of_video))) for key, of_video in labels.items())
            return
        files: dict[str, list[Path]] = {}
        for key, paths in find_videos(self.root).items():
            files[key] = [path for path in paths if TRAINING not in path.relative_to(self.root).parts]
        log.missing += [key for key in labels if not files.get(key)]
        for key in labels:
            if len(files.get(key, ())) > 1:
                log.add(key, f"{len(files[key])} files of this name", f"took {files[key][0]}", items=files[key])
        yield from open_all(((key, files[key][0]) for key in labels if files.get(key)), log)


def read_labels(path: Path) -> dict[str, Bits]:
    """Read the frame labels.

    Args:
        path: The .npz file.

    Returns:
        Name of a video -> (F,) bool, True = abnormal; sorted by name.

    Raises:
        DataError: The file cannot be read, is empty, or a video has no array of 0 and 1.
    """
    labels: dict[str, Bits] = {}
    try:
        with arrays.open_archive(path) as archive:
            for name in sorted(archive):
                key = without_suffix(name)
                if key in labels:
                    raise DataError(problem(f"{path}, {name}", f"{key} appears again", "one array a video"))
                labels[key] = as_labels(archive[name], f"{path}, {name}")
    except DataError:
        raise
    except (OSError, ValueError, EOFError) as error:
        expected, todo = "an .npz file, an array for each video", "fetch it again"
        raise DataError(problem(path, f"cannot be read ({error})", expected, todo)) from error
    if not labels:
        raise DataError(problem(path, "names no video", "an array for each video"))
    return labels
