"""What an exposure makes of a scene (Draft, Rejection), and what a shard stores about a sample (SampleRecord).

Letters: T frames (1 for an image), K names in the prompt, H W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict

from lavida_gen.scenes.evidence import Use
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.masks import RLE


@dataclass(frozen=True, slots=True)
class Rejection:
    """A scene that could not become a sample.

    Attributes:
        reason: Why; a short fixed text, by which rejections are counted.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Draft:
    """What an exposure makes of a scene; the build adds prompts, augmentations and origin.

    Attributes:
        frames: T frames of the same size.
        names: K names that the prompt lists, shuffled, distinct.
        labels: K bool: whether the name is in the scene as the anomaly.
        masks: T masks, the union of the anomalies; None where no anomaly is visible.
        edits: T masks of the pixels that the exposure changed (pasted, moved, filled in); None for unchanged frames.
        rule: A sentence about the place that the question must state, "" if none.
        parts: The T masks of each anomaly if there are several; () for one.
        credit: (licence, attribution, use) of what was pasted from another scene; () for nothing. Without `use` the
            strictest use of all sources of the recipe is recorded.
        subjects: The names without the exposure's own phrasing, in the order of `names`: the category "car" of "car in
            the wrong place"; () if the names have none. Evidence is looked up by them.
    """

    frames: tuple[Frame, ...]
    names: tuple[str, ...]
    labels: tuple[bool, ...]
    masks: tuple[RLE | None, ...]
    edits: tuple[RLE | None, ...] = ()
    rule: str = ""
    parts: tuple[tuple[RLE | None, ...], ...] = ()
    credit: tuple[str, str, Use | None] | tuple[str, str] | tuple[()] = ()
    subjects: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert len(self.names) == len(self.labels) >= 1, f"{len(self.names)} names, {len(self.labels)} labels"
        assert len(set(self.names)) == len(self.names), f"a name is listed twice: {self.names}"
        assert len(self.masks) == len(self.frames), f"{len(self.masks)} masks for {len(self.frames)} frames"
        assert len(self.edits) in (0, len(self.frames)), f"{len(self.edits)} edits for {len(self.frames)} frames"
        assert len(self.subjects) in (0, len(self.names)), f"{len(self.subjects)} subjects, {len(self.names)} names"
        assert len(self.parts) in (0, sum(self.labels)), f"{len(self.parts)} parts for {sum(self.labels)} anomalies"
        assert any(self.labels) == any(mask is not None for mask in self.masks), "masks and labels disagree"

    @property
    def exposed(self) -> bool:
        """Whether something in it is an anomaly."""
        return any(self.labels)


_AS_WRITTEN = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)
"""How records are read: types as declared, numbers finite; keys of later versions are kept."""


@with_config(_AS_WRITTEN)
class Format1Record(TypedDict):
    """The `json` field of a sample in a shard of format 1. Every sample has every key, with values of the same types.

    boxes and edits have one [x, y, width, height] in pixels per frame, zeros for an empty mask; areas are the anomaly's
    share of each frame, 0..1; group is the image or video that no split separates; fps is 0.0 for images. names and
    labels have K entries.
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


@with_config(_AS_WRITTEN)
class SampleRecord(Format1Record):
    """The `json` field of a sample in a shard: the keys of format 1, and four more.

    evidence and originals have K entries: evidence is how each label is known (scenes/evidence.py), originals the data
    set's own wording where a name was cleaned, "" where it is the same. seconds has the time of each frame after the
    first, all 0.0 where unknown; use is the strictest of all pictures in the sample.
    """

    evidence: list[str]
    originals: list[str]
    seconds: list[float]
    use: str
