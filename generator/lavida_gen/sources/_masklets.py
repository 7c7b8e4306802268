"""The common part of video sources whose annotations are one JSON in the form of YouTube-VIS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from lavida_gen.annotations import files
from lavida_gen.annotations.masklet_index import MaskletIndex
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.file_names import path_inside
from lavida_gen.common.findings import Finding
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.scene import Name, Region
from lavida_gen.sources._clips import ClipContents, ClipOptionsT_co, ClipSource, Video


class MaskletSource(ClipSource[ClipOptionsT_co]):
    """Each clip is a scene; each masklet a region, named by its category or its noun phrase.

    Masklets of the same masks are one thing with several phrases. A name of which a masklet cannot be used is present
    in its video, but never the anomaly.

    Attributes:
        index: The videos and masklets.
        images: Folder of the frames.
    """

    def __init__(self, options: ClipOptionsT_co, split: str, index: MaskletIndex, images: Path) -> None:
        """Cut the videos into clips.

        Args:
            options: How clips are cut.
            split: Name of the split.
            index: The videos and masklets.
            images: Folder of the frames.

        Raises:
            DataError: The frames of a video do not lie in a folder of their own.
        """
        self.index, self.images = index, images
        self._categories = frozenset(name.category for name in index.names)
        self._numbers: dict[str, int] = {}
        videos = []
        for number in range(len(index)):
            frames = index.files(number)
            video = Video(_video_name(frames, index.path), tuple(_unified(frame).stem for frame in frames))
            if self._numbers.setdefault(video.name, number) != number:
                got = f"two videos in the folder {video.name!r}"
                raise DataError(problem(index.path, got, "a folder for each video"))
            videos.append(video)
        super().__init__(options, split, videos)

    def read_clip(self, video: Video, positions: Sequence[int]) -> ClipContents:
        """Every masklet of the video."""
        number = self._numbers[video.name]
        size, names = self.index.size(number), self.index.files(number)
        paths = [self._frame(names[position]) for position in positions]
        undrawn = self.index.undrawn(number)
        things: dict[tuple[str, tuple[RLE | None, ...]], dict[str, bool]] = {}
        hidden = dict.fromkeys(undrawn)
        for masklet in self.index.masklets(number):
            masks = tuple(self.index.mask(masklet, position, size) for position in positions)
            if any(masks):
                things.setdefault((self._category(masklet.name), masks), {})[masklet.name] = masklet.crowd
            else:
                hidden[masklet.name] = None
        regions = [
            Region(tuple(own), masks, category, "stuff" if any(own.values()) else "thing")
            for (category, masks), own in things.items()
        ]
        seen = {name for own in things.values() for name in own}.difference(undrawn)
        nowhere = (None,) * len(positions)
        regions += [
            Region((name,), nowhere, self._category(name), candidate=False) for name in hidden if name not in seen
        ]
        frames = tuple(Frame.file(path, size) for path in paths)
        return ClipContents(size, frames, tuple(regions), tuple(self.index.negative(number)))

    def _frame(self, name: str) -> Path:
        """The image of a frame as the JSON names it, also where it has another suffix. Raises DataError."""
        unified = _unified(name)
        path = path_inside(self.images, str(unified), self.index.path)
        if not path.is_file():
            other = files.frame_path(self.images, str(unified.with_suffix("")))
            return other if other.is_file() else path
        return path

    def _category(self, name: str) -> str:
        return name if name in self._categories else ""

    def vocabulary(self) -> Sequence[Name]:
        """The categories or phrases, each once, in the order of the file."""
        return list(dict.fromkeys(self.index.names))

    def fingerprint(self) -> str:
        """Digest of the JSON."""
        return self.index.digest

    def left_out(self) -> Iterator[Finding]:
        """Videos and masklets that cannot be used."""
        yield from self.index.left_out()

    def findings(self) -> Iterator[Finding]:
        """What is left out, videos that give no clip, missing frames."""
        yield from super().findings()
        yield from self.videos_without_clips()
        names = {video: self.index.files(number) for video, number in self._numbers.items()}
        yield from files.missing_files(
            [self._frame(names[video.name][position]) for position in dict.fromkeys(positions)]
            for video, positions in self._clips
        )


def _video_name(frames: Sequence[str], file: Path) -> str:
    """The folder of a video's frames. Raises DataError if they do not lie in one."""
    folders = {_unified(frame).parent.as_posix() for frame in frames}
    name = folders.pop()
    if folders or name in (".", ""):
        got = f"file_names {frames[0]!r}, ... lie in no folder of their own"
        raise DataError(problem(file, got, "VIDEO/00000.jpg"))
    return name


def _unified(name: str) -> PurePosixPath:
    return PurePosixPath(name.replace("\\", "/"))
