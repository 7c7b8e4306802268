"""PhraseCut: pictures of Visual Genome with 345,486 phrases, each for one or several instances.

Wu et al., PhraseCut: Language-based Image Segmentation in the Wild, CVPR 2020.
https://github.com/ChenyunWu/PhraseCutDataset
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field

from lavida_gen.annotations import files
from lavida_gen.coco.phrasecut_index import PhraseCutIndex, open_index
from lavida_gen.common.findings import Finding
from lavida_gen.scenes.images import Frame
from lavida_gen.scenes.scene import Kind, Name, Region, Scene
from lavida_gen.sources._base import LocalOnly, LocalPath, RequiredFiles, Source, SourceInfo, SourceOptions

SEE = "see `lavida-gen sources phrasecut`"


class PhraseCutSourceOptions(SourceOptions):
    """Options of `phrasecut`."""

    root: LocalPath = Field(description="folder VGPhraseCut_v0")
    split: str = Field(default="train", description="train, val, test or miniv: reads refer_SPLIT.json")
    images: Annotated[Path | None, LocalOnly()] = Field(
        default=None, description="folder of the pictures of Visual Genome, relative to root or absolute"
    )


class PhraseCutSource(Source[PhraseCutSourceOptions]):
    """Each picture is a scene; each instance of a phrase a region with its category and the phrase.

    Phrases and categories are free text, and what no phrase means is not annotated: absence is "unannotated".
    """

    Options = PhraseCutSourceOptions

    about: ClassVar[SourceInfo] = SourceInfo(
        title="PhraseCut (VGPhraseCut)",
        page="https://github.com/ChenyunWu/PhraseCutDataset",
        licence="unknown: its repository states none; pictures: Visual Genome, of YFCC100M and COCO, each its own",
        use="forbidden",
        attribution="PhraseCut (Wu, Lin, Cohen, Bui, Maji); Visual Genome; photos: their Flickr authors",
        pictures="photographed",
        get=(
            "Run the repository's download_dataset.py, or fetch its files and the pictures of Visual Genome 1.2.\n"
            "Since no licence was found, samples may not be passed on. Pictures that are COCO's too are kept in one\n"
            "part of a corpus with those. Not verified: no file of the release was seen beside its description."
        ),
        layout=(
            "ROOT/refer_train.json, refer_val.json, ...     phrases with polygons\n"
            "ROOT/image_data_split.json                     (or image_data_split3000.json) sizes of the pictures\n"
            "ROOT/images/2347567.jpg ..."
        ),
        cite=(
            "@inproceedings{wu2020phrasecut, title={{PhraseCut}: Language-based Image Segmentation in the Wild}, "
            "author={Wu, Chenyun and Lin, Zhe and Cohen, Scott and Bui, Trung and Maji, Subhransu}, "
            "booktitle={CVPR}, year={2020}}"
        ),
    )

    def __init__(self, options: PhraseCutSourceOptions) -> None:
        """Open the index, which is made on the first call. Raises DataError."""
        super().__init__(options)
        required, root = RequiredFiles(options.root, SEE), options.root
        tasks = required.file(root / f"refer_{options.split}.json", "split")
        listed = [root / name for name in ("image_data_split.json", "image_data_split3000.json")]
        pictures = required.file(next((path for path in listed if path.is_file()), listed[0]), "root")
        self.images = required.folder(root / (options.images or "images"), "images")
        required.raise_if_missing()
        self.index: PhraseCutIndex = open_index(tasks, pictures)

    @property
    def kind(self) -> Kind:
        """Images."""
        return "image"

    def __len__(self) -> int:
        return len(self.index)

    def key(self, number: int) -> str:
        """``phrasecut/SPLIT/IMAGE_ID``."""
        return f"phrasecut/{self.options.split}/{int(self.index.image_id[number])}"

    def group(self, number: int) -> str:
        """The picture: of COCO where it is one of COCO's, as other data sets over COCO's photos have it."""
        coco = int(self.index.coco_id[number])
        return f"coco-photo/{coco}" if coco else f"visual-genome/{int(self.index.image_id[number])}"

    def _picture(self, number: int) -> Path:
        return files.frame_path(self.images, str(int(self.index.image_id[number])))

    def scene(self, number: int) -> Scene:
        """The picture with every instance of its phrases as a region."""
        regions = []
        for instance in self.index.instances(number):
            name = instance.name
            texts = tuple(dict.fromkeys((name.category, name.text))) if name.category else (name.text,)
            regions.append(Region(texts, (instance.mask,), name.category, candidate=instance.mask is not None))
        size = self.index.size(number)
        return Scene(
            key=self.key(number),
            frames=(Frame.file(self._picture(number), size),),
            size=size,
            regions=tuple(regions),
            licence=self.about.licence,
            group=self.group(number),
            attribution=self.about.attribution,
        )

    def annotations_without_masks(self, number: int) -> Sequence[Region]:
        """As `scene`: run lengths cost nothing to read."""
        return self.scene(number).regions

    def vocabulary(self) -> Sequence[Name]:
        """The categories and phrases, in the order of the file; made lazily."""
        return self.index.names

    def fingerprint(self) -> str:
        """Digests of both files."""
        return self.index.digest

    def left_out(self) -> Iterator[Finding]:
        """Phrases and instances that cannot be used."""
        yield from self.index.left_out()

    def findings(self) -> Iterator[Finding]:
        """What is left out, missing pictures."""
        yield from super().findings()
        yield from files.missing_files([self._picture(number)] for number in range(len(self)))
