"""MSAD, protocol ii: the test split of weakly supervised methods, which train on the other half of the abnormal videos.

Which half is in the list that comes with the authors' features. Whole videos are scored; the authors' ground truth has
each cut to whole snippets of 16 frames.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import PurePosixPath

from lavida_bench.benchmarks._base import BenchmarkInfo, SplitSize
from lavida_bench.benchmarks._msad import CITE, FILE, LICENCE, NAMES, NORMAL, PAGE, UNVERIFIED, Msad
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import read_text

LISTS = ("MSAD_I3D_WS_Test.list", "msad-i3d-test.list")
FEATURES = "_i3d.npy"


class MsadWeak(Msad):
    """240 test videos: 120 abnormal ones, 120 normal ones."""

    about = BenchmarkInfo(
        title="MSAD, protocol ii (weakly supervised)",
        page=PAGE,
        licence=LICENCE,
        use="noncommercial",
        get=f"As `msad`, and {LISTS[0]} beside the annotation: it comes with the features that "
        "https://github.com/Tom-roujiang/MSAD links to.",
        layout=f"""{FILE}                                 a line for each abnormal video
{LISTS[0]}                                  a line for each test video: .../Assault_14{FEATURES}
MSAD_blur/.../Assault_14.mp4                           .mp4 or .avi, in any folder
MSAD_blur/.../{NORMAL[0]}.mp4""",
        expected=SplitSize(240),
        metrics=("frame_auc", "frame_ap"),
        names=NAMES,
        cite=CITE,
        unverified=(
            *UNVERIFIED,
            "The number of frames is not known: the authors' ground truth has 143,920 (33,160 abnormal) after it cut "
            "each video to a multiple of 16, which is not done here.",
        ),
    )

    def keys(self, abnormal: Collection[str]) -> list[str]:
        """The videos of the list, whose names end as those of features do."""
        path = next((path for name in LISTS for path in sorted(self.root.rglob(name))), None)
        if path is None:
            todo = "take it from the authors' features, or score `msad`, which needs no list"
            raise DataError(problem(self.root, f"no {LISTS[0]}", "the list of the weakly supervised split", todo))
        lines = [line.split()[0] for line in read_text(path).splitlines() if line.strip()]
        names = [PurePosixPath(line.replace("\\", "/")).name.removesuffix(FEATURES) for line in lines]
        if not names or len(set(names)) < len(names):
            again = next((name for name in names if names.count(name) > 1), "")
            raise DataError(problem(path, f"{again} appears again" if again else "is empty", "one line a video"))
        return names
