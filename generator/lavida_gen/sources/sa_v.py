"""SA-V: 51,000 videos with the masklets that SAM 2 was trained on: objects of every kind, none of them named.

Ravi et al., SAM 2: Segment Anything in Images and Videos, 2024. https://ai.meta.com/datasets/segment-anything-video
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from lavida_gen.annotations import files, json_file
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.file_names import path_inside
from lavida_gen.common.findings import Finding
from lavida_gen.scenes import masks
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.scene import Kind, Name, Region, Scene
from lavida_gen.scenes.video_file import VideoStills
from lavida_gen.sources._base import LocalPath, Source, SourceInfo, require_folder
from lavida_gen.sources._clips import ClipOptions, clip_positions

FRAME_STEP = 4
"""A masklet has a mask for every fourth frame."""

FPS = 24.0
SUFFIXES = {"manual": ("_manual.json",), "auto": ("_auto.json",), "both": ("_manual.json", "_auto.json")}


class SaVSourceOptions(ClipOptions):
    """Options of `sa_v`."""

    root: LocalPath = Field(description="folder that contains sav_000/ ... or the mp4 files themselves")
    masklets: Literal["manual", "auto", "both"] = Field(
        default="manual", description="masklets drawn by people, by the model, or both"
    )
    clips: int = Field(default=1, ge=1, le=1000, description="clips of each video, spread evenly over it")
    called: str = Field(default="object", min_length=1, description="the name of every masklet")


class SaVSource(Source[SaVSourceOptions]):
    """Each clip is a scene; each masklet a region. All get the same name, since none is annotated.

    Masklets have no names, so nothing is known of what is absent ("unannotated"). The length of a video is known only
    when its masklets are read: `clips` clips are spread over each video.
    """

    Options = SaVSourceOptions

    about: ClassVar[SourceInfo] = SourceInfo(
        title="SA-V (Segment Anything Video), training set",
        page="https://ai.meta.com/datasets/segment-anything-video-downloads/",
        licence="CC-BY-4.0",
        use="free",
        attribution="Meta AI: Segment Anything Video Dataset",
        pictures="photographed",
        get=(
            "Fetch sav_000.tar ... sav_055.tar (any of them) from the page and unpack them into one folder.\n"
            "Masklets have no names, so do not use this source for relabel, absent and near_miss: all of them are\n"
            "named `object`, and the vocabulary has no other name. Use it for exposures that name what they do, such\n"
            "as paste and motion, in a recipe with other sources."
        ),
        layout=(
            "ROOT/sav_000/sav_000001.mp4 ...           (or ROOT/sav_000001.mp4)\n"
            "ROOT/sav_000/sav_000001_manual.json ...   masks of every fourth frame (6 of 24 per second)\n"
            "ROOT/sav_000/sav_000001_auto.json ..."
        ),
        cite=(
            "@article{ravi2024sam2, title={{SAM} 2: Segment Anything in Images and Videos},\n"
            "  author={Ravi, Nikhila and others}, journal={arXiv:2408.00714}, year={2024}}"
        ),
    )

    def __init__(self, options: SaVSourceOptions) -> None:
        """List the annotation files. Raises DataError."""
        super().__init__(options)
        self._root = require_folder(options.root, "root", "see `lavida-gen sources sa_v`")
        first = SUFFIXES[options.masklets][0]
        self._videos = files.list_files(self._root, first)
        if not self._videos:
            got, frames = f"no *{first} in {self._root}", self._root / "JPEGImages_24fps"
            expected = "the training set: val and test (JPEGImages_24fps) are not read" if frames.is_dir() else ""
            raise DataError(problem("root", got, expected, "see `lavida-gen sources sa_v`"))

    @property
    def kind(self) -> Kind:
        """Clips."""
        return "clip"

    def __len__(self) -> int:
        return len(self._videos) * self.options.clips

    def key(self, number: int) -> str:
        """``sa_v/VIDEO/CLIP``."""
        video, clip = divmod(number, self.options.clips)
        return f"sa_v/{Path(self._videos[video]).name}/{clip}of{self.options.clips}"

    def group(self, number: int) -> str:
        """The video."""
        return f"sa-v-video/{Path(self._videos[number // self.options.clips]).name}"

    def scene(self, number: int) -> Scene:
        """The clip with every masklet that is visible in it. Frames are decoded when somebody reads them."""
        video, clip = divmod(number, self.options.clips)
        name = self._videos[video]
        size, masklets = self._masklets(name)
        positions = self._positions(name, len(masklets), clip)
        regions = []
        for masklet in range(len(masklets[0])):
            visible = tuple(self._mask(masklets, position, masklet, size, name) for position in positions)
            if any(visible):
                regions.append(Region((self.options.called,), visible, self.options.called))
        file = files.as_written(path_inside(self._root, f"{name}.mp4", self._root))
        stride = positions[1] - positions[0]
        return Scene(
            key=self.key(number),
            frames=VideoStills(file, [FRAME_STEP * position for position in positions], size).frames(),
            size=size,
            regions=tuple(regions),
            licence=self.about.licence,
            group=self.group(number),
            fps=FPS / (FRAME_STEP * stride),
            attribution=self.about.attribution,
        )

    def _positions(self, name: str, count: int, clip: int) -> tuple[int, ...]:
        """Annotated frames of a clip. Raises DataError if the video is too short."""
        starts = clip_positions(count, self.options.model_copy(update={"hop": 1}))
        if not starts:
            got, expected = f"has {count} annotated frames", f"at least {self.options.frames}, or `short: repeat`"
            raise DataError(problem(self._root / name, got, expected))
        last, clips = len(starts) - 1, self.options.clips
        return starts[last // 2] if clips == 1 else starts[clip * last // (clips - 1)]

    def _masklets(self, name: str) -> tuple[tuple[int, int], list[list[object]]]:
        """Size (H, W), and the run lengths of each annotated frame and masklet. Raises DataError."""
        sizes = set()
        rows: list[list[object]] = []
        for suffix in SUFFIXES[self.options.masklets]:
            path = files.as_written(self._root / f"{name}{suffix}")
            if rows and not path.is_file():
                continue  # some 2,000 videos have no automatic masklets
            content = json_file.load(path)
            sizes.add(tuple(json_file.integer(content, f"video_{side}", path) for side in ("height", "width")))
            frames = json_file.member(content, "masklet", list, path)
            lengths = {len(row) if isinstance(row, list) else -1 for row in frames}
            if len(lengths) != 1 or -1 in lengths or (rows and len(frames) != len(rows)):
                expected = "the same number of masks in each annotated frame"
                raise DataError(problem(path, "'masklet' is ragged or empty", expected))
            rows = [[*old, *new] for old, new in zip(rows, frames, strict=True)] if rows else frames
        if len(sizes) > 1:
            got = f"{' and '.join(SUFFIXES[self.options.masklets])} state different sizes"
            raise DataError(problem(self._root / name, got, "one size of the video"))
        height, width = sizes.pop()
        return (height, width), rows

    def _mask(
        self, rows: list[list[object]], position: int, masklet: int, size: tuple[int, int], name: str
    ) -> RLE | None:
        where = f"{self._root / name}: masklet {masklet} annotated frame {position}"
        encoded = rows[position][masklet]
        if not encoded:
            return None
        mask = masks.from_counts(json_file.member(encoded, "counts", str, where), size, where)
        return mask if masks.area(mask) else None

    def vocabulary(self) -> Sequence[Name]:
        """The one name."""
        return [Name(self.options.called, self.options.called)]

    @cached_property
    def _digest(self) -> str:
        names = (f"{name}{suffix}" for name in self._videos for suffix in SUFFIXES[self.options.masklets])
        return files.names_and_sizes_digest(self._root, names)

    def fingerprint(self) -> str:
        """Digest of the annotation files' names and sizes."""
        return self._digest

    def findings(self) -> Iterator[Finding]:
        """Annotations without a video."""
        yield from super().findings()
        yield from files.missing_files([files.as_written(self._root / f"{name}.mp4")] for name in self._videos)
