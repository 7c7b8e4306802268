"""SA-Co Gold and Silver: pictures with noun phrases, masks of all that a phrase is true of, and phrases of nothing.

These are test data. Carion et al., SAM 3: Segment Anything with Concepts, 2025.
https://github.com/facebookresearch/sam3
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from lavida_gen.coco.coco_index import image_folder
from lavida_gen.coco.photo_findings import unusable_photos
from lavida_gen.coco.sa_co_index import PhraseIndex, open_index
from lavida_gen.common.findings import Finding
from lavida_gen.scenes.evidence import FalseEvidence
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.scene import Kind, Name, Region, Scene
from lavida_gen.sources._base import LocalOnly, LocalPath, RequiredFiles, Source, SourceInfo, SourceOptions

SEE = "see `lavida-gen sources sa_co_images`"


class SaCoImagesSourceOptions(SourceOptions):
    """Options of `sa_co_images`."""

    root: LocalPath = Field(description="folder that contains the JSON and the pictures")
    annotations: Annotated[Path, LocalOnly()] = Field(
        description="the JSON, such as gold_metaclip_merged_a_release_test.json, relative to root or absolute"
    )
    images: Annotated[Path | None, LocalOnly()] = Field(
        default=None, description="folder of the pictures, relative to root or absolute"
    )


class SaCoImagesSource(Source[SaCoImagesSourceOptions]):
    """Each picture is a scene; each mask a region with its noun phrase; categories are not annotated.

    A phrase without a mask is verified to be absent from its picture. One whose masks do not cover all that it is true
    of is present, but never the anomaly.
    """

    Options = SaCoImagesSourceOptions

    least_evidence: ClassVar[FalseEvidence | None] = "verified"

    about: ClassVar[SourceInfo] = SourceInfo(
        title="SA-Co Gold and Silver (Segment Anything with Concepts, pictures): test data",
        page="https://github.com/facebookresearch/sam3/tree/main/scripts/eval",
        licence=(
            "SAM License; pictures: terms of each domain, not to be passed on; TEST DATA: a model trained with it must "
            "not be scored on SA-Co, and whoever shows it must state that"
        ),
        use="forbidden",
        attribution="Meta AI: SA-Co; the owners of the pictures",
        pictures="photographed",
        get=(
            "For training there is source `sa_co` with its split val: Gold and Silver are what models are compared\n"
            "on, so that samples of them are marked as test data and as not to be passed on. Fetch a JSON and the\n"
            "pictures as the page describes (gold/README.md, silver/README.md). Gold has one JSON for each of three\n"
            "annotators (a, b, c): take one. Not verified: no file of the release was seen beside its description."
        ),
        layout=(
            "ROOT/gold_metaclip_merged_a_release_test.json ...   images with file_name and text_input, annotations\n"
            "ROOT/images/...                                     (or in ROOT itself)"
        ),
        cite=(
            "@article{carion2025sam3, title={{SAM} 3: Segment Anything with Concepts}, author={Carion, Nicolas and "
            "others}, journal={arXiv:2511.16719}, year={2025}}"
        ),
    )

    def __init__(self, options: SaCoImagesSourceOptions) -> None:
        """Open the index, which is made on the first call. Raises DataError."""
        super().__init__(options)
        required = RequiredFiles(options.root, SEE)
        file = required.file(required.root / options.annotations, "annotations", f"give `annotations`; {SEE}")
        with required.collecting():
            self.images: Path = image_folder(required.root, options.images, ["images", "."])
        required.raise_if_missing()
        self.index: PhraseIndex = open_index(file)
        self.pairs = self.index.pairs

    @property
    def kind(self) -> Kind:
        """Images."""
        return "image"

    def __len__(self) -> int:
        return len(self.index)

    def key(self, number: int) -> str:
        """``sa_co_images/FILE``."""
        return f"sa_co_images/{self.pairs.file(self.index.first(number))}"

    def scene(self, number: int) -> Scene:
        """The picture with every mask; equal masks are one thing with several phrases."""
        first = self.index.first(number)
        things: dict[tuple[RLE | None, bool], dict[str, bool]] = {}  # mask, whether it may be used -> phrase, crowd
        for pair in self.index.rows(number):
            phrase, annotations = self.index.phrases[pair], self.pairs.annotations(pair)
            for one in annotations:
                usable = one.mask is not None and not one.ignore and self.index.is_complete(pair)
                things.setdefault((one.mask, usable), {})[phrase] = one.crowd
            if not annotations and self.index.is_present(pair):
                things.setdefault((None, False), {})[phrase] = False
        regions = (
            Region(tuple(own), (mask,), kind="stuff" if any(own.values()) else "thing", candidate=usable)
            for (mask, usable), own in things.items()
        )
        return Scene(
            key=self.key(number),
            frames=(self.pairs.frame(self.images, first),),
            size=self.pairs.size(first),
            regions=tuple(regions),
            licence=self.about.licence,
            group=self.group(number),
            attribution=self.about.attribution,
            absent=partial(self._absent, number),
        )

    def _absent(self, number: int) -> Iterator[str]:
        """Phrases without annotation in a picture; none that another of its pairs has with one."""
        rows = {pair: self.index.is_present(pair) for pair in self.index.rows(number)}
        present = {self.index.phrases[pair] for pair, is_present in rows.items() if is_present}
        absent = dict.fromkeys(self.index.phrases[pair] for pair, is_present in rows.items() if not is_present)
        return (phrase for phrase in absent if phrase not in present)

    @cached_property
    def _vocabulary(self) -> list[Name]:
        return [Name(phrase) for phrase in dict.fromkeys(self.index.phrases)]

    def vocabulary(self) -> Sequence[Name]:
        """Every phrase, once, in the order of the file."""
        return self._vocabulary

    def fingerprint(self) -> str:
        """Digest of the JSON."""
        return self.pairs.digest

    def left_out(self) -> Iterator[Finding]:
        """Pairs and annotations that cannot be used."""
        yield from self.pairs.left_out()

    def findings(self) -> Iterator[Finding]:
        """What is left out or odd in the JSON; pictures that are missing, truncated or of another size."""
        yield from super().findings()
        yield from self.pairs.findings()
        first = [self.index.first(number) for number in range(len(self))]
        yield from unusable_photos(self.pairs, self.images, first, "size")
