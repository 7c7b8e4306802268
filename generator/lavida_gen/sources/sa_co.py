"""SA-Co/VEval: videos with noun phrases, the masklets of all that a phrase is true of, and phrases of nothing.

Carion et al., SAM 3: Segment Anything with Concepts, 2025. https://github.com/facebookresearch/sam3
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from pydantic import Field

from lavida_gen.annotations.masklet_index import open_index
from lavida_gen.common.findings import Finding
from lavida_gen.scenes.evidence import FalseEvidence, Use
from lavida_gen.sources._base import LocalPath, RequiredFiles, SourceInfo
from lavida_gen.sources._clips import ClipOptions
from lavida_gen.sources._masklets import MaskletSource

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

    def rights(self, about: SourceInfo) -> SourceInfo:
        """The licence of the subset; test data are marked."""
        subset = SUBSETS[self.subset]
        if self.split == "test":
            return replace(about, licence=f"{subset.licence}; {TEST}", use="forbidden")
        return replace(about, licence=subset.licence, use=subset.use)


class SaCoSource(MaskletSource[SaCoSourceOptions]):
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
        pictures="photographed",
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
        images = required.folder(next((folder for folder in folders if folder.is_dir()), folders[0]), "subset")
        required.raise_if_missing()
        super().__init__(options, options.split, open_index(file, "phrase"), images)

    def key(self, number: int) -> str:
        """``sa_co/SUBSET/SPLIT/VIDEO/FIRST_FRAME``."""
        return super().key(number).replace("sa_co/", f"sa_co/{self.options.subset}/", 1)

    def findings(self) -> Iterator[Finding]:
        """Also videos with more frames than they had."""
        yield from super().findings()
        if self.options.subset == "yt1b":
            yield from self._shifted()

    def _shifted(self) -> Iterator[Finding]:
        """Videos whose folder has another number of frames than the file: of another download or cut."""
        for name, number in self._numbers.items():
            listed, found = len(self.index.files(number)), len(list((self.images / name).glob("*.jpg")))
            if found > listed:  # fewer are missing files
                text = f"{self.images / name}: has {found} frames; expected {listed}: masks may not fit its pictures"
                yield Finding("note", f"{text}; extract the frames with the authors' script")
