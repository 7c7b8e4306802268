"""MSAD, protocol i: surveillance videos of 14 scenarios; accidents and crimes, also without a person, are anomalies.

All abnormal videos are tested. The weakly supervised split, which trains on half of them, is `msad_weak`: numbers on
the two cannot be compared.
"""

from __future__ import annotations

from collections.abc import Collection

from lavida_bench.benchmarks._base import BenchmarkInfo, SplitSize
from lavida_bench.benchmarks._msad import CITE, FILE, LICENCE, NAMES, NORMAL, PAGE, UNVERIFIED, Msad


class MsadOneClass(Msad):
    """360 test videos: all 240 abnormal ones, 120 normal ones."""

    about = BenchmarkInfo(
        title="MSAD, protocol i (one-class)",
        page=PAGE,
        licence=LICENCE,
        use="noncommercial",
        get="Ask for the videos by the form on the page; unpack them and the annotation below one folder: --root.",
        layout=f"""{FILE}                                 a line for each abnormal video
MSAD_blur/.../Assault_1.mp4                            .mp4 or .avi, in any folder
MSAD_blur/.../{NORMAL[0]}.mp4""",
        expected=SplitSize(len(NORMAL) + 240),
        metrics=("frame_auc", "frame_ap"),
        names=NAMES,
        cite=CITE,
        unverified=(*UNVERIFIED, "The number of frames is not known."),
    )

    def keys(self, abnormal: Collection[str]) -> list[str]:
        """The annotated videos, then the normal ones."""
        return [*abnormal, *NORMAL]
