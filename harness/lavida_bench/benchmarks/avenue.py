"""CUHK Avenue: a walk in front of a building; running, throwing, the wrong way, strange objects are anomalies."""

from __future__ import annotations

from lavida_bench.benchmarks._avenue import LAYOUT, NAMES, PAGE, VIDEOS, AvenueVideos
from lavida_bench.benchmarks._base import BenchmarkInfo, SplitSize


class Avenue(AvenueVideos):
    """Every frame of the 21 test videos."""

    about = BenchmarkInfo(
        title="CUHK Avenue",
        page=PAGE,
        licence="research use",
        use="noncommercial",
        get="Download the data set and its ground truth from the page, unpack both in one folder: --root.",
        layout=LAYOUT,
        expected=SplitSize(VIDEOS, 15_324, 3_712),
        metrics=("frame_auc", "pixel_auc_40"),
        paper_metrics=("frame_auc",),
        names=NAMES,
        cite="Lu, Shi, Jia: Abnormal Event Detection at 150 FPS in MATLAB. ICCV 2013.",
    )

    @property
    def expected(self) -> SplitSize:
        """According to the chosen ground truth."""
        return SplitSize(VIDEOS, 15_324, 3_712 if self.options.labels == "pixels" else 3_867)
