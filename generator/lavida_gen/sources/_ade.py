"""What the scene parsing benchmark (`ade20k`) and the full release (`ade20k_full`) of ADE20K have in common."""

from __future__ import annotations

from pathlib import Path

# LAVIDA never uses 20 of the 150 classes as anomalies and does not list them. These 20 are what a place consists of:
# ground, walls, sky, water and vegetation.
BACKGROUND = frozenset(
    (
        *("wall", "floor", "ceiling", "building", "sky", "tree", "grass", "road", "sidewalk", "path", "dirt track"),
        *("earth", "land", "field", "sand", "hill", "mountain", "water", "sea", "river"),
    )
)


def is_benchmark(root: Path) -> bool:
    """Whether a folder holds the scene parsing benchmark, ADEChallengeData2016.

    Args:
        root: The folder.
    """
    return (root / "objectInfo150.txt").is_file() or (root / "annotations").is_dir()
