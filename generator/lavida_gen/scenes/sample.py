"""What an exposure decides about a scene (Draft, Dropped), and what a shard says of a sample (Record).

Letters: T frames (1 for an image), K names in the prompt, H W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict

from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.masks import RLE


@dataclass(frozen=True, slots=True)
class Rejection:
    """A scene that could not become a sample, and why. `reason` is a short fixed text: drops are counted by it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Draft:
    """An exposure's decision about a scene; prompts, augmentations and origin are added by the build.

    frames  T frames of one size
    names   K names that the prompt lists, shuffled, distinct
    labels  K bool: is this name in the scene as the anomaly
    masks   T, union of the anomalies; None where nothing anomalous is visible
    edits   T, pixels that the exposure changed (pasted, moved, filled in); None where a frame is as it was
    rule    a sentence about the place that the question must state ("" if none)
    parts   where there are several anomalies: of each its own T masks; () for one
    credit  (licence, attribution) of what was set in from another scene; () for nothing
    """

    frames: tuple[Frame, ...]
    names: tuple[str, ...]
    labels: tuple[bool, ...]
    masks: tuple[RLE | None, ...]
    edits: tuple[RLE | None, ...] = ()
    rule: str = ""
    parts: tuple[tuple[RLE | None, ...], ...] = ()
    credit: tuple[str, str] | tuple[()] = ()

    def __post_init__(self) -> None:
        assert len(self.names) == len(self.labels) >= 1, f"{len(self.names)} names, {len(self.labels)} labels"
        assert len(set(self.names)) == len(self.names), f"a name is listed twice: {self.names}"
        assert len(self.masks) == len(self.frames), f"{len(self.masks)} masks for {len(self.frames)} frames"
        assert len(self.edits) in (0, len(self.frames)), f"{len(self.edits)} edits for {len(self.frames)} frames"
        assert len(self.parts) in (0, sum(self.labels)), f"{len(self.parts)} parts for {sum(self.labels)} anomalies"
        assert any(self.labels) == any(mask is not None for mask in self.masks), "masks and labels disagree"

    @property
    def exposed(self) -> bool:
        """Whether something in it is an anomaly."""
        return any(self.labels)


class SampleRecord(TypedDict):
    """The `json` field of a sample in a shard. Every sample has every key, with values of the same types.

    boxes and edits have one [x, y, width, height] in pixels per frame, zeros where there is nothing; areas are the
    anomaly's share of each frame, 0..1; group is the photo or video that no split tears apart; fps is 0.0 for images;
    names and labels have K entries.
    """

    key: str
    index: int
    kind: str
    split: str
    frames: int
    width: int
    height: int
    fps: float
    names: list[str]
    labels: list[bool]
    question: str
    answer: str
    rule: str
    exposed: bool
    exposure: str
    source: str
    scene: str
    group: str
    boxes: list[list[int]]
    areas: list[float]
    edits: list[list[int]]
    seed: int
    recipe: str
    licence: str
    attribution: str
    generator: str
