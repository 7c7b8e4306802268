"""What a label pack holds, as its JSON has it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from lavida_bench.videos.no_frames import MOST_FRAMES
from lavida_gen.common.json_file import JsonObject
from lavida_gen.common.strict_model import StrictModel


class PackedTrack(StrictModel):
    """A track: as `Track`, masks as COCO's compressed run lengths."""

    name: str = ""
    frames: list[int]
    boxes: list[tuple[float, float, float, float]]
    masks: list[str] = Field(default_factory=list)


class PackedVideo(StrictModel):
    """A video: runs [start, stop) of abnormal and of measured frames; masks by frame number, {} = all empty.

    None = not labelled; of the measured frames: all.
    """

    key: str
    frames: int = Field(ge=1, le=MOST_FRAMES)
    size: tuple[int, int]
    fps: float | None = None
    names: list[str] = Field(default_factory=list)
    abnormal: list[tuple[int, int]] | None = None
    masks: dict[int, str] | None = None
    tracks: list[PackedTrack] | None = None
    measured: list[tuple[int, int]] | None = None


class PackedDefect(StrictModel):
    """A defect of the files that the pack was made from; as `Defect`."""

    where: str
    what: str
    action: str
    fatal: bool = False
    items: list[str] = Field(default_factory=list)
    lost: bool = False


class PackContent(StrictModel):
    """The content of a pack."""

    format: Literal[1]
    benchmark: str
    options: JsonObject
    licence: str
    source: str
    made_by: str
    counts: dict[str, int | None]
    defects: list[PackedDefect]
    videos: list[PackedVideo] = Field(min_length=1)
    sha256: str
