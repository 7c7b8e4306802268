"""SA-Co/VEval: videos with noun phrases, the masklets of all that a phrase is true of, and phrases of nothing.

Carion et al., SAM 3: Segment Anything with Concepts, 2025. https://github.com/facebookresearch/sam3
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import ClassVar, Literal

from pydantic import Field

from lavida_gen.annotations import files
from lavida_gen.annotations.files import path_inside
from lavida_gen.annotations.veval_index import open_index
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.findings import Finding
from lavida_gen.scenes.evidence import FalseEvidence, Use
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.scene import Name, Region
from lavida_gen.sources._base import LocalPath, RequiredFiles, SourceInfo
from lavida_gen.sources._clips import ClipContents, ClipOptions, ClipSource, Video

SEE = "see `lavida-gen sources sa_co`"
TEST = "TEST DATA: a model trained with it must not be scored on SA-Co/VEval, and whoever shows it must state that"
"""Part of the licence of samples from the test split, so that every card has it."""


@dataclass(frozen=True, slots=True)
class _Subset:
    """A part of SA-Co/VEval: folders of its frames, frames per second that their names count, licence, use, videos."""

    folders: tuple[str, ...]
    rate: float
    licence: str
    use: Use
    family: str


SUBSETS = {
    "sav": _Subset(
        ("saco_sav/JPEGImages_24fps",), 24.0, "CC-BY-NC-4.0; videos CC-BY-4.0", "noncommercial", "sa-v-video"
    ),
    "yt1b": _Subset(
        ("saco_yt1b/JPEGImages_6fps", "sa_yt1b/JPEGImages_6fps"),
        6.0,
        "annotations CC-BY-NC-4.0; videos: YouTube terms, each its own",
        "forbidden",
        "youtube-video",
    ),
    "smartglasses": _Subset(("saco_sg/JPEGImages_6fps",), 6.0, "CC-BY-4.0", "free", "saco-sg-video"),
}


class SaCoSourceOptions(ClipOptions):
    """Options of `sa_co`."""

    root: LocalPath = Field(description="folder that contains annotation/ and media/")
    subset: Literal["sav", "yt1b", "smartglasses"] = Field(
        default="sav", description="which videos: sav (of SA-V), yt1b (of YouTube) or smartglasses"
    )
    split: Literal["val", "test"] = Field(
        default="val", description="val; test is for evaluation alone, and samples of it are marked so"
    )


class SaCoSource(ClipSource[SaCoSourceOptions]):
    """Each clip is a scene; each masklet a region with its noun phrase; categories are not annotated.

    A phrase that people looked for in a video and did not find is verified to be absent from its clips; of the phrases
    of other videos nothing is known.
    """

    prefix: ClassVar[str] = "sa_co"
    family = "sa-v-video"
    least_evidence: ClassVar[FalseEvidence | None] = "verified"

    Options = SaCoSourceOptions

    about: ClassVar[SourceInfo] = SourceInfo(
        title="SA-Co/VEval (Segment Anything with Concepts, video)",
        page="https://github.com/facebookresearch/sam3/tree/main/scripts/eval/veval",
        licence="annotations CC-BY-NC-4.0, smartglasses CC-BY-4.0; videos: SA-V CC-BY-4.0, YouTube each its own",
        use="noncommercial",
        attribution="Meta AI: SA-Co/VEval, SA-V; yt1b: the YouTube channels of the videos",
        get=(
            "Fetch the annotations as the page describes. sav: unpack the JPEGImages_24fps of SA-V's sav_val.tar and\n"
            "sav_test.tar into one folder. yt1b: the page has a script; another download shifts the frames (`check`\n"
            "compares how many there are). For training use `split: val`: test is what models are compared on, and\n"
            "samples of it are marked as test data and as not to be passed on. SA-Co Gold and Silver, the pictures,\n"
            "are test data alone: source `sa_co_images`. Not verified: no file of the release was seen beside the\n"
            "authors' toy file and notebook."
        ),
        layout=(
            "ROOT/annotation/saco_veval_sav_val.json, ...       or yt1b, smartglasses; or test\n"
            "ROOT/media/saco_sav/JPEGImages_24fps/sav_000208/00000.jpg, 00004.jpg ...\n"
            "ROOT/media/saco_yt1b/JPEGImages_6fps/...           ROOT/media/saco_sg/JPEGImages_6fps/..."
        ),
        cite=(
            "@article{carion2025sam3, title={{SAM} 3: Segment Anything with Concepts}, author={Carion, Nicolas and "
            "others}, journal={arXiv:2511.16719}, year={2025}}"
        ),
    )

    def __init__(self, options: SaCoSourceOptions) -> None:
        """Open the index, which is made on the first call. Raises DataError."""
        self._subset = SUBSETS[options.subset]
        self.family, self.rate = self._subset.family, self._subset.rate
        required = RequiredFiles(options.root, SEE)
        name = f"saco_veval_{options.subset}_{options.split}.json"
        file = required.file(options.root / "annotation" / name, "split")
        folders = [options.root / "media" / folder for folder in self._subset.folders]
        self._images = next((folder for folder in folders if folder.is_dir()), folders[0])
        required.folder(self._images, "subset")
        required.raise_if_missing()
        self.index = open_index(file)
        self._numbers: dict[str, int] = {}
        videos = []
        for number in range(len(self.index)):
            frames = self.index.files(number)
            video = Video(_video_name(frames, file), tuple(PurePosixPath(frame).stem for frame in frames))
            if self._numbers.setdefault(video.name, number) != number:
                raise DataError(problem(file, f"two videos in the folder {video.name!r}", "a folder for each video"))
            videos.append(video)
        super().__init__(options, options.split, videos)

    def rights(self) -> SourceInfo:
        """The licence of the subset; test data are marked."""
        if self.options.split == "test":
            return replace(self.about, licence=f"{self._subset.licence}; {TEST}", use="forbidden")
        return replace(self.about, licence=self._subset.licence, use=self._subset.use)

    def key(self, number: int) -> str:
        """``sa_co/SUBSET/SPLIT/VIDEO/FIRST_FRAME``."""
        return super().key(number).replace("sa_co/", f"sa_co/{self.options.subset}/", 1)

    def read_clip(self, video: Video, positions: Sequence[int]) -> ClipContents:
        """Every masklet of the video; those of the same masks are one thing with several phrases."""
        number = self._numbers[video.name]
        size, names = self.index.size(number), self.index.files(number)
        paths = [path_inside(self._images, names[position], self.index.path) for position in positions]
        things: dict[tuple[RLE | None, ...], dict[str, bool]] = {}
        hidden: dict[str, None] = dict.fromkeys(self.index.undrawn(number))
        for masklet in self.index.masklets(number):
            masks = tuple(self.index.mask(masklet, position, size) for position in positions)
            if any(masks):
                things.setdefault(masks, {})[masklet.phrase] = masklet.crowd
            else:
                hidden[masklet.phrase] = None
        regions = [
            Region(tuple(phrases), masks, kind="stuff" if any(phrases.values()) else "thing")
            for masks, phrases in things.items()
        ]
        seen = {phrase for phrases in things.values() for phrase in phrases}
        nowhere = (None,) * len(positions)
        regions += [Region((phrase,), nowhere, candidate=False) for phrase in hidden if phrase not in seen]
        frames = tuple(Frame.file(path, size) for path in paths)
        return ClipContents(size, frames, tuple(regions), tuple(self.index.negative(number)))

    def vocabulary(self) -> Sequence[Name]:
        """Every phrase of the pairs of the file, once."""
        return [Name(phrase) for phrase in self.index.phrases]

    def fingerprint(self) -> str:
        """Digest of the JSON."""
        return self.index.digest

    def findings(self) -> Iterator[Finding]:
        """Videos that give no clip, missing frames, videos with another number of frames than they had."""
        yield from super().findings()
        yield from self.videos_without_clips()
        yield from files.missing_files(
            (path_inside(self._images, f"{name}.jpg", self.index.path) for name in clip) for clip in self.clip_frames()
        )
        if self.options.subset == "yt1b":
            yield from self._shifted()

    def _shifted(self) -> Iterator[Finding]:
        """Videos whose folder has another number of frames than the file: of another download or cut."""
        for name, number in self._numbers.items():
            listed, found = len(self.index.files(number)), len(list((self._images / name).glob("*.jpg")))
            if found > listed:  # fewer are missing files
                text = f"{self._images / name}: has {found} frames; expected {listed}: masks may not fit its pictures"
                yield Finding("note", f"{text}; extract the frames with the authors' script")


def _video_name(frames: Sequence[str], file: Path) -> str:
    """The folder of a video's frames. Raises DataError if they do not lie in one."""
    folders = {PurePosixPath(frame.replace("\\", "/")).parent.as_posix() for frame in frames}
    name = folders.pop()
    if folders or name in (".", ""):
        raise DataError(
            problem(file, f"file_names {frames[0]!r}, ... lie in no folder of their own", "VIDEO/00000.jpg")
        )
    return name
