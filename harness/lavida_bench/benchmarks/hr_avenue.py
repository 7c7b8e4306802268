"""HR-Avenue: CUHK Avenue without 616 frames, so that what is left to find are anomalies of people.

For methods that see poses alone (Morais et al. 2019). A benchmark of its own, so that its numbers never stand beside
those of the whole set. A model sees whole videos and score files hold whole videos; the frames are left out of scores
and labels before anything is smoothed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from lavida_bench.benchmarks._avenue import LAYOUT, NAMES, PAGE, VIDEOS, AvenueVideos
from lavida_bench.benchmarks._base import BenchmarkInfo, SplitSize
from lavida_bench.benchmarks._intervals import Interval


class HrAvenue(AvenueVideos):
    """The 21 test videos, 616 of their frames left out."""

    without: ClassVar[Mapping[str, tuple[Interval, ...]]] = {
        "01": (Interval(75, 121), Interval(390, 437), Interval(864, 911), Interval(931, 1001)),
        "02": (Interval(272, 320), Interval(723, 764)),
        "03": (Interval(293, 341),),
        "06": (Interval(561, 625), Interval(814, 1007)),
        "16": (Interval(728, 740),),
    }
    about = BenchmarkInfo(
        title="HR-Avenue",
        page=PAGE,
        licence="research use",
        use="noncommercial",
        get="The files of `avenue`, from the same --root; 616 frames are left out.",
        layout=LAYOUT,
        expected=SplitSize(VIDEOS, 14_708),
        metrics=("frame_auc",),
        names=NAMES,
        cite="Morais, Le, Tran, Saha, Mansour, Venkatesh: Learning Regularity in Skeleton Trajectories for Anomaly "
        "Detection in Videos. CVPR 2019.",
        unverified=(
            "Which frames are left out is as in the code of MoCoDAD (github.com/aleflabo/MoCoDAD at 4eb672d, "
            "utils/eval_utils.py); which of the two ground truths published numbers rest on is not known.",
            "The number of abnormal frames is not known.",
        ),
    )
