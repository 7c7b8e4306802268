"""The base of all benchmarks: official files on disk -> TestVideos, and the defects of these files.

    benchmark = make("ucf_crime", Path("/data/ucf_crime"))
    for video in benchmark.videos(): ...
    print(check(benchmark).found)       # in _check.py

To add one, write `benchmarks/NAME.py` with one subclass of Benchmark and draw a small one in
tests/bench/benchmark_miniatures/NAME.py; tests/bench/test_benchmarks.py finds both by itself.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Generic, Literal

from pydantic import Field, ValidationError
from typing_extensions import TypeVar

from lavida_bench.benchmarks._defects import Defect, DefectLog, reading_defects
from lavida_bench.common.option_problems import option_problems
from lavida_bench.protocols.rules import ScoringRules
from lavida_bench.videos.no_frames import has_frames
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.dataset_info import DatasetInfo
from lavida_gen.common.errors import DataError, UserError, problem
from lavida_gen.common.plugins import find, names
from lavida_gen.common.strict_model import StrictModel

PACKAGE = "lavida_bench.benchmarks"


@dataclass(frozen=True, slots=True)
class SplitSize:
    """Size of a test split.

    Attributes:
        videos: Number of videos.
        frames: Number of frames, None if unknown.
        abnormal_frames: Number of abnormal frames, None if unknown.
    """

    videos: int
    frames: int | None = None
    abnormal_frames: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BenchmarkInfo(DatasetInfo):
    """What `lavida-bench benchmarks NAME` prints.

    Attributes:
        use: "free", "noncommercial" (research) or "yours".
        expected: Size of the whole official test split; None where there is no such thing.
        metrics: Metrics that the benchmark's paper reports, the headline first: those of protocol ``official``.
        paper_metrics: Metrics of protocol ``paper``, the headline first; None = `metrics`.
        every: Protocol ``paper`` samples one frame in every `every` frames.
        paper_abnormal_only: Whether protocol ``paper`` leaves out the videos without an abnormal frame.
        paper_pixel_size: (height, width) at which protocol ``paper`` compares pixels; None = size of the masks.
        names: Anomalies that a prompt lists unless the user gives others.
        unverified: What of this description was not compared with the official files, in sentences.
    """

    use: Literal["free", "noncommercial", "yours"]
    expected: SplitSize | None = None
    metrics: tuple[str, ...] = ("frame_auc",)
    paper_metrics: tuple[str, ...] | None = None
    every: int = 1
    paper_abnormal_only: bool = False
    paper_pixel_size: tuple[int, int] | None = None
    names: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()


class BenchmarkOptions(StrictModel):
    """Options of every benchmark."""

    root: Path | None = Field(None, description="its folder; default: NAME below $LAVIDA_BENCH_DATA, or below data/")
    names: tuple[str, ...] | None = Field(None, description="anomalies named to a prompt, instead of the usual ones")


OptionsT_co = TypeVar("OptionsT_co", bound=BenchmarkOptions, covariant=True, default=BenchmarkOptions)


class Benchmark(ABC, Generic[OptionsT_co]):
    """One benchmark on disk. Opening it reads nothing; `videos` reads annotations and counts frames.

    Everything is a function of the options and the files, in a stable order.

    Attributes:
        Options: The type of its options.
        about: Title, licence, how to get it, layout of its folder, scoring rules.
        name: Its name, as results record it.
        options: The options it was opened with.
        root: Its folder.
    """

    Options: ClassVar[type[BenchmarkOptions]] = BenchmarkOptions
    about: ClassVar[BenchmarkInfo]

    def __init__(self, options: OptionsT_co, name: str = "") -> None:
        """Open the benchmark.

        Args:
            options: Options of the type `Options`.
            name: The name that the user asked for; "" = the name of the module.
        """
        self.name = name or type(self).__module__.rpartition(".")[2]
        self.options = options
        self.root: Path = options.root.expanduser() if options.root else self.default_root()
        self._log = DefectLog()
        self._videos: list[TestVideo] | None = None

    def default_root(self) -> Path:
        """The folder of its data if the options name none."""
        module = self.name.partition(":")[0]  # of package.module:Class
        return Path(os.environ.get("LAVIDA_BENCH_DATA") or "data") / module.rpartition(".")[2]

    @property
    def expected(self) -> SplitSize | None:
        """Size of the official test split under these options; None where there is no such thing."""
        return self.about.expected

    @property
    def anomaly_names(self) -> tuple[str, ...]:
        """The anomalies that a prompt lists."""
        return self.about.names if self.options.names is None else tuple(self.options.names)

    @property
    def rules(self) -> ScoringRules:
        """What a protocol needs to know about the benchmark: its name, and the scoring rules of `about`."""
        return ScoringRules(
            benchmark=self.name,
            metrics=self.about.metrics,
            paper_metrics=self.about.paper_metrics,
            every=self.about.every,
            paper_abnormal_only=self.about.paper_abnormal_only,
            paper_pixel_size=self.about.paper_pixel_size,
        )

    def prepare(self) -> None:
        """Check that the folder exists, or make it.

        Raises:
            DataError: It does not exist, or a file or folder that an option names.
        """
        if not self.root.is_dir():
            todo = f"give the right --root; `lavida-bench benchmarks {self.name}` shows how to get the data"
            raise DataError(problem(self.root, "no such folder", f"the files of {self.name}", todo))
        for name, value in self.options:
            if isinstance(value, Path) and not value.expanduser().exists():
                raise DataError(problem(value, "no such file or folder", f"what option {name} names"))

    def annotated(self) -> SplitSize | None:
        """Size of the test split according to the annotation files alone; None if there are none.

        Raises:
            DataError: An annotation file cannot be read.
        """
        return None

    @abstractmethod
    def load(self, log: DefectLog) -> list[TestVideo]:
        """Read the test videos that can be scored.

        Args:
            log: Gets the defects of single videos.

        Returns:
            The videos in a stable order.

        Raises:
            DataError: There is no annotation file, or it cannot be read.
        """

    def videos(self) -> list[TestVideo]:
        """The test videos on disk, read once.

        Returns:
            At least one video, in a stable order.

        Raises:
            DataError: There is none, or the annotations cannot be read.
        """
        videos = self.loaded()
        if not videos:
            hints = "; ".join(f"{defect.where}: {defect.what}" for defect in self.log.defects[:3])
            got = "no test video can be read" + (f" ({hints})" if hints else "")
            todo = f"see `lavida-bench benchmarks {self.name}`"
            raise DataError(problem(self.root, got, "its official layout", todo))
        return videos

    def loaded(self) -> list[TestVideo]:
        """As `videos`, but [] where there is none.

        Returns:
            The videos in a stable order.

        Raises:
            DataError: The annotations cannot be read.
        """
        if self._videos is None:
            self.prepare()
            log = DefectLog()
            videos = self.load(log)
            repeated = [key for key, number in Counter(video.key for video in videos).items() if number > 1]
            assert not repeated, f"{self.name}: two videos of one key: {repeated}"
            self._videos, self._log = videos, log
        return self._videos

    @property
    def has_frames(self) -> bool:
        """Whether every video has frames to read; labels alone serve scores that others computed."""
        return all(has_frames(video.reader) for video in self.loaded())

    @property
    def log(self) -> DefectLog:
        """The defects that loading found."""
        self.loaded()
        return self._log

    @property
    def defects(self) -> list[Defect]:
        """The defects that loading found, and those that reading frames has found since."""
        return [*self.log.defects, *(defect for video in self.loaded() for defect in reading_defects(video))]


def known() -> tuple[str, ...]:
    """Names of all benchmarks."""
    return names(PACKAGE)


def find_class(name: str, allow_code: bool = False) -> type[Benchmark]:
    """The class of a benchmark.

    Args:
        name: Its name, or ``package.module:Class`` if code is allowed.
        allow_code: Whether ``package.module:Class`` may be imported.

    Returns:
        A concrete subclass of Benchmark.

    Raises:
        UserError: The name is unknown, or code is not allowed.
    """
    return find(PACKAGE, Benchmark, name, allow_code)


def make(
    name: str,
    root: Path | str | None = None,
    settings: Mapping[str, object] | None = None,
    allow_code: bool = False,
) -> Benchmark:
    """Open a benchmark. No file is read yet.

    Args:
        name: Its name, or ``package.module:Class`` if code is allowed.
        root: Its folder; None = NAME below ``$LAVIDA_BENCH_DATA``, or below data/.
        settings: Its other options.
        allow_code: Whether ``package.module:Class`` may be imported.

    Returns:
        The benchmark.

    Raises:
        UserError: The name or an option is unknown.
    """
    cls = find_class(name, allow_code)
    values = dict(settings or {})
    if root is not None:
        values["root"] = root
    try:
        return cls(cls.Options.model_validate(values), name)
    except ValidationError as error:
        raise UserError(f"{name}: {option_problems(error, cls.Options)}") from error
