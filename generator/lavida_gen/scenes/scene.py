"""What a source yields: a Scene (an image or a short clip) of named regions.

Letters: T frames of a clip (1 for an image), N regions, H W pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from lavida_gen.common.errors import DataError
from lavida_gen.scenes.evidence import Use
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.masks import RLE

Kind = Literal["image", "clip"]


@dataclass(frozen=True, slots=True)
class Name:
    """A name that a prompt may list.

    Attributes:
        text: The wording of the data set: a category ("person") or an expression ("man in the red shirt").
        category: The category of the thing it names, "" if unknown; equal to `text` for categories. Text and category
            of a negative must both be absent.
        group: Supercategory or other group of similar names, "" if none; near misses come from the same group.
        synset: The noun of WordNet that the data set states for the category ("dog.n.01"), "" if it states none.
        original: The data set's own wording where `text` is a cleaner one, "" where it is the same.
        is_stuff: Whether the category is "stuff" (sky, road): a data set of things does not mention it.
    """

    text: str
    category: str = ""
    group: str = ""
    synset: str = ""
    original: str = ""
    is_stuff: bool = False


@dataclass(frozen=True, slots=True)
class Region:
    """Something annotated in a scene.

    Attributes:
        names: Its names, at least one: category first (if known), then expressions.
        masks: T masks of (H, W) pixels; None where it is not visible.
        category: Its category, "" if unknown.
        kind: "thing" (countable) or "stuff" (sky, road).
        candidate: Whether it may be declared the anomaly (False for backgrounds and void).
        depth: Drawing order, larger is nearer to the camera; None if unknown.
        synset: The noun of WordNet that the data set states for the category ("dog.n.01"), "" if it states none.
        may_be: Other categories that may be true of it: its supercategory, members of a group. They are not absent, and
            none of them is the anomaly without this region.
    """

    names: tuple[str, ...]
    masks: tuple[RLE | None, ...]
    category: str = ""
    kind: Literal["thing", "stuff"] = "thing"
    candidate: bool = True
    depth: float | None = None
    synset: str = ""
    may_be: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.names or "" in map(str.strip, self.names):
            raise DataError(f"region: names {self.names!r}; expected at least one, none of them blank")


def no_names() -> Iterator[str]:
    """The default of `Scene.absent`: the data set states nothing."""
    return iter(())


@dataclass(frozen=True, slots=True)
class Scene:
    """An image (T = 1) or clip with its annotated regions.

    Attributes:
        key: Stable and unique within the source, such as "coco/val2017/000000000139".
        frames: T frames, all of `size`.
        size: (H, W) in pixels.
        regions: N regions with T masks of `size` each.
        licence: SPDX id, or the wording of the data set.
        group: What a train/val split must keep together: the image or video; the key if it shares them with no other.
        fps: Frames per second of a clip, None for images or if unknown.
        seconds: Times of the T frames after the first one; None = t / fps, or unknown without fps.
        attribution: Author to be named, None if there is none.
        use: What may be done with the picture, for scenes that another one borrows from; None if unknown.
        present: Categories that are in the scene though no region shows them: parts of what is annotated.
        absent: Returns names that are annotated as absent, which are verified negatives; called only if needed.
    """

    key: str
    frames: tuple[Frame, ...]
    size: tuple[int, int]
    regions: tuple[Region, ...]
    licence: str
    group: str = ""
    fps: float | None = None
    attribution: str | None = None
    absent: Callable[[], Iterator[str]] = no_names
    seconds: tuple[float, ...] | None = None
    use: Use | None = None
    present: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert self.seconds is None or len(self.seconds) == len(self.frames), f"{self.key}: seconds, one per frame"
        for region in self.regions:
            if len(region.masks) != len(self.frames):
                raise DataError(
                    f"{self.key}: region {region.names[0]!r} has {len(region.masks)} masks; "
                    f"expected {len(self.frames)}, one per frame"
                )
            for time, mask in enumerate(region.masks):
                if mask is not None and mask.size != self.size:
                    raise DataError(
                        f"{self.key}: mask of {region.names[0]!r} in frame {time} is {mask.height} x {mask.width}; "
                        f"expected {self.size[0]} x {self.size[1]}, the size of the frames"
                    )
