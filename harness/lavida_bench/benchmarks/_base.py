"""The base of all benchmarks: official files on disk -> TestVideos, and what is wrong with those files.

    benchmark = make("ucf_crime", Path("/data/ucf_crime"))
    for video in benchmark.videos(): ...
    print(check(benchmark).found)       # of _check.py

To add one, write `benchmarks/NAME.py` with one subclass of Benchmark and draw a small one in
tests/bench/benchmark_miniatures/NAME.py; tests/bench/test_benchmarks.py finds both by itself.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field, ValidationError

from lavida_bench.protocols.rules import ScoringRules
from lavida_bench.videos.media import Media
from lavida_bench.videos.types import TestVideo
from lavida_gen.common.dataset_info import DatasetInfo
from lavida_gen.common.errors import DataError, UserError, problem, unknown_name
from lavida_gen.common.plugins import find, names
from lavida_gen.common.strict_model import StrictModel

PACKAGE = "lavida_bench.benchmarks"


@dataclass(frozen=True, slots=True)
class SplitSize:
    """How much there is; None where it is not known."""

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
    """

    use: Literal["free", "noncommercial", "yours"]
    expected: SplitSize | None = None
    metrics: tuple[str, ...] = ("frame_auc",)
    paper_metrics: tuple[str, ...] | None = None
    every: int = 1
    paper_abnormal_only: bool = False
    paper_pixel_size: tuple[int, int] | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Defect:
    """Something wrong with the data, and what is done about it.

    fatal   the official number cannot be computed with it
    items   the videos or frames concerned, if there are several
    """

    where: str
    what: str
    action: str
    fatal: bool = False
    items: tuple[str, ...] = ()


@dataclass(slots=True)
class DefectLog:
    """Collects what a loader finds wrong; `missing` are videos that the annotations name and the disk lacks."""

    defects: list[Defect] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)

    def add(self, where: object, what: str, action: str, fatal: bool = False, items: Iterable[object] = ()) -> None:
        """One more defect."""
        self.defects.append(Defect(str(where), what, action, fatal, tuple(map(str, items))))


class BenchmarkOptions(StrictModel):
    """What every benchmark can be asked for."""

    root: Path | None = Field(None, description="its folder; default: NAME below $LAVIDA_BENCH_DATA, or below data/")
    names: tuple[str, ...] | None = Field(None, description="anomalies named to a prompt, instead of the usual ones")


class Benchmark(ABC):
    """One benchmark on disk. Making it reads nothing; `videos` reads annotations and counts frames.

    Everything is a function of the options and the files, in a stable order.
    """

    Options: ClassVar[type[BenchmarkOptions]] = BenchmarkOptions
    about: ClassVar[BenchmarkInfo]

    def __init__(self, options: Any, name: str = "") -> None:
        self.name = name or type(self).__module__.rpartition(".")[2]
        self.options = options
        self.root: Path = options.root.expanduser() if options.root else self.default_root()
        self._log = DefectLog()
        self._videos: list[TestVideo] | None = None

    def default_root(self) -> Path:
        """Where its data is looked for if nobody says."""
        module = self.name.partition(":")[0]  # of package.module:Class
        return Path(os.environ.get("LAVIDA_BENCH_DATA") or "data") / module.rpartition(".")[2]

    @property
    def expected(self) -> SplitSize | None:
        """What the official test split holds under these options."""
        return self.about.expected

    @property
    def anomaly_names(self) -> tuple[str, ...]:
        """Names for a prompt."""
        return self.about.names if self.options.names is None else tuple(self.options.names)

    @property
    def rules(self) -> ScoringRules:
        """What a protocol has to know about the benchmark: its name, and the scoring rules of `about`."""
        return ScoringRules(
            benchmark=self.name,
            metrics=self.about.metrics,
            paper_metrics=self.about.paper_metrics,
            every=self.about.every,
            paper_abnormal_only=self.about.paper_abnormal_only,
            paper_pixel_size=self.about.paper_pixel_size,
        )

    def prepare(self) -> None:
        """Makes sure that the folder is there. Raises DataError if it is not."""
        if not self.root.is_dir():
            todo = f"give the right --root; `lavida-bench benchmarks {self.name}` tells how to get the data"
            raise DataError(problem(self.root, "no such folder", f"the files of {self.name}", todo))

    def annotated(self) -> SplitSize | None:
        """What the annotation files alone say; None if there are none at hand. Raises DataError."""
        return None

    @abstractmethod
    def load(self, log: DefectLog) -> list[TestVideo]:
        """The test videos that can be scored, in a stable order; what is wrong goes to `log`.

        Raises DataError where nothing can be done without the user: no annotation file, an unreadable one.
        """

    def videos(self) -> list[TestVideo]:
        """The test videos at hand, in a stable order. Raises DataError if there is none."""
        found = self.loaded()
        if not found:
            hints = "; ".join(f"{d.where}: {d.what}" for d in self.log.defects[:3])
            got = "no test video can be read" + (f" ({hints})" if hints else "")
            raise DataError(problem(self.root, got, "the layout below", f"see `lavida-bench benchmarks {self.name}`"))
        return found

    def loaded(self) -> list[TestVideo]:
        """As `videos`, also where there is none."""
        if self._videos is None:
            self.prepare()
            log = DefectLog()
            found = self.load(log)
            twice = [key for key, number in Counter(video.key for video in found).items() if number > 1]
            assert not twice, f"{self.name}: two videos of one key: {twice}"
            self._videos, self._log = found, log
        return self._videos

    @property
    def log(self) -> DefectLog:
        """What loading found wrong."""
        self.loaded()
        return self._log

    @property
    def defects(self) -> list[Defect]:
        """What loading found wrong, and what reading has found since: for reports."""
        broken = [d for video in self.loaded() for d in reading_defects(video)]
        return [*self.log.defects, *broken]


def reading_defects(video: TestVideo) -> list[Defect]:
    """What a video's reader has noted so far."""
    media = video.reader
    if not isinstance(media, Media):
        return []
    found = [Defect(video.key, note, f"the {media.frame_count:,} frames that are there count") for note in media.notes]
    broken = {n: text for n, text in sorted(media.broken.items()) if n < media.frame_count}
    if broken:
        first = next(iter(broken.values()))
        what = f"{len(broken)} broken frame{'s' if len(broken) > 1 else ''} (frame {min(broken)}: {first})"
        found.append(Defect(video.key, what, "shown as the frame before", items=tuple(map(str, broken))))
    return found


def known() -> tuple[str, ...]:
    """Names of all benchmarks."""
    return names(PACKAGE)


def find_class(name: str, allow_code: bool = False) -> type[Benchmark]:
    """The class of a benchmark by name, or by ``package.module:Class`` if code is allowed. Raises UserError."""
    return find(PACKAGE, Benchmark, name, allow_code)


def make(
    name: str,
    root: Path | str | None = None,
    settings: Mapping[str, Any] | None = None,
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
    values = {**(settings or {})} | ({"root": root} if root is not None else {})
    try:
        return cls(cls.Options.model_validate(values), name)
    except ValidationError as error:
        raise UserError(f"{name}: " + "; ".join(_said(one, cls.Options) for one in error.errors())) from error


def _said(error: Any, options: type[BenchmarkOptions]) -> str:
    option = ".".join(map(str, error["loc"]))
    if error["type"] == "extra_forbidden":
        return unknown_name("option", option, options.model_fields)
    return f"option {option}: {error['msg'].removeprefix('Value error, ')}; got {error['input']!r}"
