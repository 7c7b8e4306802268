"""Clips cut from annotated videos: which frames, and the common part of all clip sources.

A clip is made of annotated frames alone: a frame that nobody annotated is never taken for one in which nothing is to
be seen. So `stride` counts annotated frames (YouTube-VOS annotates every fifth), gaps and all. A video with too few of
them for the stride gets a smaller one; with fewer than `frames`, its last frame is repeated, as the scoring protocol
does too, or it is left out (`short: drop`). A video with a single annotated frame is no clip. Letters: T frames, H W.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.scene import Kind, Region, Scene
from lavida_gen.sources._base import Source, SourceOptions


class ClipOptions(SourceOptions):
    """How clips are cut."""

    frames: int = Field(default=8, ge=2, le=64, description="frames of a clip")
    stride: int = Field(default=1, ge=1, le=1000, description="annotated frames from one frame of a clip to the next")
    hop: int | None = Field(
        default=None, ge=1, description="annotated frames between the starts of a video's clips [they do not overlap]"
    )
    short: Literal["repeat", "drop"] = Field(
        default="repeat", description="a video of fewer frames than a clip: repeat its last one, or leave it out"
    )


class DenseClipOptions(ClipOptions):
    """How clips are cut from videos that are annotated in every frame."""

    stride: int = Field(default=4, ge=1, le=1000, description="frames from one frame of a clip to the next")


@dataclass(frozen=True, slots=True)
class Video:
    """A video and its annotated frames, by name, in order of time."""

    name: str
    frames: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClipContents:
    """What is read of a clip: size (H, W), T frames, regions with T masks each."""

    size: tuple[int, int]
    frames: tuple[Frame, ...]
    regions: tuple[Region, ...]


def clip_positions(count: int, options: ClipOptions) -> list[tuple[int, ...]]:
    """Positions of the frames of each clip in a video of `count` annotated frames; T positions each."""
    if count < 2 or (count < options.frames and options.short == "drop"):
        return []
    if count < options.frames:
        return [tuple(min(position, count - 1) for position in range(options.frames))]
    stride = min(options.stride, (count - 1) // (options.frames - 1))
    span = (options.frames - 1) * stride + 1
    starts = range(0, count - span + 1, options.hop or span)
    return [tuple(range(start, start + span, stride)) for start in starts]


def sort_frames(names: Sequence[str]) -> tuple[str, ...]:
    """Names of frames in order of time: ``2`` before ``10``, ``00009`` before ``00010``."""
    return tuple(sorted(names, key=lambda name: (len(name), name)))


class ClipSource(Source):
    """Each clip of each video is a scene."""

    prefix: str
    """First part of every key."""

    family: str
    """Whose videos these are: data sets over the same videos share it, so that no split tears a video apart."""

    rate: float | None = None
    """Frames a second that the numbers in the frames' names count, None if unknown."""

    def __init__(self, options: Any, split: str, videos: Sequence[Video]) -> None:
        """`options` are ClipOptions; videos in a stable order."""
        super().__init__(options)
        self.split, self.videos = split, videos
        self._clips = [
            (at, window) for at, video in enumerate(videos) for window in clip_positions(len(video.frames), options)
        ]

    @abstractmethod
    def shown(self, video: Video, positions: Sequence[int]) -> ClipContents:
        """Frames and regions at these positions of a video, which may repeat. Raises DataError."""

    @property
    def kind(self) -> Kind:
        """Clips."""
        return "clip"

    def __len__(self) -> int:
        return len(self._clips)

    def key(self, number: int) -> str:
        """``PREFIX/SPLIT/VIDEO/FIRST_FRAME``."""
        at, positions = self._clips[number]
        video = self.videos[at]
        return f"{self.prefix}/{self.split}/{video.name}/{video.frames[positions[0]]}"

    def group(self, number: int) -> str:
        """The video: data sets over the same videos give the same text."""
        return f"{self.family}/{self.videos[self._clips[number][0]].name}"

    def scene(self, number: int) -> Scene:
        """The clip with everything named in it."""
        at, positions = self._clips[number]
        video = self.videos[at]
        shown = self.shown(video, positions)
        return Scene(
            key=self.key(number),
            frames=shown.frames,
            size=shown.size,
            regions=shown.regions,
            licence=self.about.licence,
            group=self.group(number),
            fps=self.fps(video, positions),
            attribution=self.about.attribution,
        )

    def fps(self, video: Video, positions: Sequence[int]) -> float | None:
        """Frames a second of a clip, gaps averaged; None where the names are no numbers or the rate is unknown."""
        first, last = video.frames[positions[0]], video.frames[positions[-1]]
        if self.rate is None or not (first.isdigit() and last.isdigit()) or int(last) <= int(first):
            return None
        return self.rate * (len(set(positions)) - 1) / (int(last) - int(first))

    def left_out(self) -> Iterator[str]:
        """Videos that give no clip, and why."""
        used = {at for at, _ in self._clips}
        for at, video in enumerate(self.videos):
            if at not in used:
                yield f"video {video.name}: left out, {len(video.frames)} annotated frames"
