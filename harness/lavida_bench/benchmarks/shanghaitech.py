"""ShanghaiTech Campus: 13 views of a campus; bicycles, cars, running, fighting, ... are anomalies."""

from __future__ import annotations

from lavida_bench.benchmarks._base import BenchmarkInfo, SplitSize
from lavida_bench.benchmarks._shanghaitech import LAYOUT, NAMES, PAGE, ShanghaitechVideos


class Shanghaitech(ShanghaitechVideos):
    """The 107 videos of the official test split."""

    about = BenchmarkInfo(
        title="ShanghaiTech Campus",
        page=PAGE,
        licence="research use",
        use="noncommercial",
        get="Download and unpack the archive of the page; --root is the folder that holds testing/. Tracks for RBDC "
        "and TBDC: annotations/ShanghaiTech of github.com/lilygeorgescu/AED (option `tracks`).",
        layout=LAYOUT,
        expected=SplitSize(107, 40_791, 17_326),
        metrics=("frame_auc", "rbdc", "tbdc"),
        paper_metrics=("frame_auc",),
        every=2,
        names=NAMES,
        cite="Luo, Liu, Gao: A Revisit of Sparse Coding Based Anomaly Detection in Stacked RNN Framework. ICCV 2017.",
    )
