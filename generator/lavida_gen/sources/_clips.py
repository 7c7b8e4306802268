"""Clips cut from annotated videos: which frames, and the common part of all clip sources.

A clip consists of annotated frames only: a frame without annotation is never taken for a frame in which nothing is
visible. So `stride` counts annotated frames (YouTube-VOS annotates every fifth), whatever the gaps. If a video has too
few of them for the stride, a smaller stride is used; if it has less than `frames`, its last frame is repeated, as the
scoring protocol does, or the video is left out (`short: drop`). A video with one annotated frame gives no clip.
Letters: T frames, H W pixels.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field
from typing_extensions import TypeVar

from lavida_gen.common.findings import Finding
from lavida_gen.common.text import counted
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.scene import Kind, Region, Scene
from lavida_gen.sources._base import Source, SourceOptions


class ClipOptions(SourceOptions):
    """How clips are cut."""

    frames: int = Field(default=8, ge=2, le=64, description="frames per clip")
    stride: int = Field(default=1, ge=1, le=1000, description="annotated frames from one frame of a clip to the next")
    hop: int | None = Field(
        default=None, ge=1, description="annotated frames between the starts of a video's clips [they do not overlap]"
    )
    short: Literal["repeat", "drop"] = Field(
        default="repeat", description="a video with fewer frames than a clip: repeat its last frame, or leave it out"
    )


class DenseClipOptions(ClipOptions):
    """How clips are cut from videos that are annotated in every frame."""

    stride: int = Field(default=4, ge=1, le=1000, description="frames from one frame of a clip to the next")


ClipOptionsT_co = TypeVar("ClipOptionsT_co", bound=ClipOptions, covariant=True, default=ClipOptions)


@dataclass(frozen=True, slots=True)
class Video:
    """A video and its annotated frames, by name, in order of time."""

    name: str
    frames: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClipContents:
    """What is read of a clip.

    Attributes:
        size: (H, W) in pixels.
        frames: T frames.
        regions: Regions with T masks each.
        absent: Names that the data set states as absent in the whole video.
    """

    size: tuple[int, int]
    frames: tuple[Frame, ...]
    regions: tuple[Region, ...]
    absent: tuple[str, ...] = ()


def clip_positions(count: int, options: ClipOptions) -> list[tuple[int, ...]]:
    """Which annotated frames of a video form clips.

    Args:
        count: Number of annotated frames of the video.
        options: How clips are cut.

    Returns:
        T positions in 0..count-1 for each clip.
    """
    if count < 2 or (count < options.frames and options.short == "drop"):
        return []
    if count < options.frames:
        return [tuple(min(position, count - 1) for position in range(options.frames))]
    stride = min(options.stride, (count - 1) // (options.frames - 1))
    span = (options.frames - 1) * stride + 1
    starts = range(0, count - span + 1, options.hop or span)
    return [tuple(range(start, start + span, stride)) for start in starts]


def sort_frames(names: Iterable[str]) -> tuple[str, ...]:
    """Sort names of frames by time: ``2`` before ``10``, ``00009`` before ``00010``.

    Args:
        names: Names of frames, without suffix.

    Returns:
        The names in order of time.
    """
    return tuple(sorted(names, key=lambda name: (len(name), name)))


class ClipSource(Source[ClipOptionsT_co]):
    """Each clip of each video is a scene.

    Attributes:
        prefix: First part of every key.
        family: Which videos these are: data sets over the same videos share it, so that no split separates the clips
            of a video.
        rate: Frames per second that the numbers in the frames' names count, None if unknown.
        split: Name of the split.
        videos: The videos, in a stable order.
    """

    prefix: ClassVar[str]
    family: str
    rate: float | None = None

    def __init__(self, options: ClipOptionsT_co, split: str, videos: Sequence[Video]) -> None:
        """Cut the videos into clips.

        Args:
            options: How clips are cut.
            split: Name of the split.
            videos: Videos in a stable order.
        """
        super().__init__(options)
        self.split, self.videos = split, videos
        self._clips = [
            (video, positions) for video in videos for positions in clip_positions(len(video.frames), options)
        ]

    @abstractmethod
    def read_clip(self, video: Video, positions: Sequence[int]) -> ClipContents:
        """Read the annotations of a clip.

        Args:
            video: The video.
            positions: T positions of annotated frames, which may repeat.

        Returns:
            The frames and regions of the clip.

        Raises:
            DataError: The annotations are missing or broken.
        """

    @property
    def kind(self) -> Kind:
        """Clips."""
        return "clip"

    def __len__(self) -> int:
        return len(self._clips)

    def key(self, number: int) -> str:
        """``PREFIX/SPLIT/VIDEO/FIRST_FRAME``."""
        video, positions = self._clips[number]
        return f"{self.prefix}/{self.split}/{video.name}/{video.frames[positions[0]]}"

    def group(self, number: int) -> str:
        """The video; data sets over the same videos return the same text."""
        video, _ = self._clips[number]
        return f"{self.family}/{video.name}"

    def scene(self, number: int) -> Scene:
        """The clip with everything that has a name in it."""
        video, positions = self._clips[number]
        contents, rights = self.read_clip(video, positions), self.rights()
        return Scene(
            key=self.key(number),
            frames=contents.frames,
            size=contents.size,
            regions=contents.regions,
            licence=rights.licence,
            group=self.group(number),
            fps=self._fps(video, positions),
            seconds=self._seconds(video, positions),
            attribution=rights.attribution,
            absent=lambda: iter(contents.absent),
        )

    def _fps(self, video: Video, positions: Sequence[int]) -> float | None:
        """Frames per second of a clip, gaps averaged; None if the names are not numbers or the rate is unknown."""
        first, last = video.frames[positions[0]], video.frames[positions[-1]]
        if self.rate is None or not (first.isdigit() and last.isdigit()) or int(last) <= int(first):
            return None
        return self.rate * (len(set(positions)) - 1) / (int(last) - int(first))

    def _seconds(self, video: Video, positions: Sequence[int]) -> tuple[float, ...] | None:
        """Times of the frames after the first; None if `fps` is unknown or a name is not a number."""
        names = [video.frames[position] for position in positions]
        if self.rate is None or self._fps(video, positions) is None or not all(name.isdigit() for name in names):
            return None
        return tuple((int(name) - int(names[0])) / self.rate for name in names)

    def videos_without_clips(self) -> Iterator[Finding]:
        """Notes on videos that give no clip."""
        used = {video.name for video, _ in self._clips}
        for video in self.videos:
            if video.name not in used:
                text = f"video {video.name}: left out, {counted(len(video.frames), 'annotated frame')}"
                yield Finding("note", text)

    def clip_frames(self) -> Iterator[list[str]]:
        """For each clip the names of its frames: ``VIDEO/FRAME``."""
        for video, positions in self._clips:
            yield [f"{video.name}/{video.frames[position]}" for position in positions]
