"""HR-ShanghaiTech: the test videos of ShanghaiTech Campus whose anomalies are of people.

For methods that see poses alone (Morais et al. 2019). A benchmark of its own, so that its numbers never stand beside
those of the whole set.
"""

from __future__ import annotations

from lavida_bench.benchmarks._base import BenchmarkInfo, SplitSize
from lavida_bench.benchmarks._shanghaitech import LAYOUT, NAMES, PAGE, ShanghaitechVideos


class HrShanghaitech(ShanghaitechVideos):
    """101 of the 107 videos."""

    without = ("01_0130", "01_0135", "01_0136", "06_0144", "06_0145", "12_0152")
    about = BenchmarkInfo(
        title="HR-ShanghaiTech",
        page=PAGE,
        licence="research use",
        use="noncommercial",
        get="The files of `shanghaitech`, from the same --root; six videos are left out.",
        layout=LAYOUT,
        expected=SplitSize(101, 38_697, 16_122),
        metrics=("frame_auc",),
        every=2,
        names=NAMES,
        cite="Morais, Le, Tran, Saha, Mansour, Venkatesh: Learning Regularity in Skeleton Trajectories for Anomaly "
        "Detection in Videos. CVPR 2019.",
        unverified=("Which videos are left out is as in the code of STG-NF (github.com/orhir/STG-NF, dataset.py).",),
    )
