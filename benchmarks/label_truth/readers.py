"""Readers of the data sets' own files: COCO JSON, panoptic PNGs, index masks, DAVIS, Ref-DAVIS. No code of the project."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

from label_truth.annotated import ClassFacts, DataSet, Plane, Record, Thing, TrueScene
from label_truth.wording import normal, wordings


def load(path: Path) -> Any:
    """A JSON file."""
    return json.loads(path.read_text(encoding="utf-8-sig"))


def pixels(path: Path) -> NDArray[np.uint8]:
    """The values of an image file; a palette's indices, not its colours."""
    return np.asarray(Image.open(path))


def stem_of(key: str) -> str:
    """Last part of a scene's key."""
    return key.rpartition("/")[2]


class CocoFile(DataSet):
    """An instances JSON: polygons, run lengths, crowds."""

    def __init__(self, annotations: Path, images: Path, complete: bool = True) -> None:
        """Read the file."""
        super().__init__(complete=complete)
        plain = load(annotations)
        self._folder = images
        self._images = {str(image["id"]): image for image in plain["images"]}
        by_stem = {Path(image["file_name"]).stem: image for image in plain["images"]}
        self._images |= {stem: image for stem, image in by_stem.items() if stem not in self._images}
        self._names = {row["id"]: row["name"] for row in plain["categories"]}
        self._annotations: dict[object, list[Mapping[str, Any]]] = {}
        for row in plain["annotations"]:
            self._annotations.setdefault(row["image_id"], []).append(row)
        for row in plain["categories"]:
            self.classes[row["name"]] = coco_facts(row)
        self.total = len(plain["images"])

    def read(self, record: Record) -> TrueScene:
        """Every annotation of the image, crowds too."""
        ident = stem_of(record["scene"])
        image = self._images[str(int(ident)) if ident.isdigit() else ident]
        size = (image["height"], image["width"])
        things = []
        for row in self._annotations.get(image["id"], []):
            name = self._names[row["category_id"]]
            things.append(Thing((name,), name, cached(partial(coco_plane, row.get("segmentation"), size))))
        return TrueScene(size, (self._folder / image["file_name"],), tuple(things))


def coco_facts(category: Mapping[str, Any]) -> ClassFacts:
    """A category with its supercategory. COCO's suffixes (-merged, -other, -stuff) are no words of the class."""
    return ClassFacts(
        wordings(coco_wordings(category["name"])), wordings(coco_wordings(category["supercategory"] or ""))
    )


def coco_wordings(name: str) -> list[str]:
    """Readings of one of COCO's names: "wall-brick" is a brick wall, "floor-other-merged" a floor."""
    parts = [part for part in name.split("-") if part not in ("merged", "other", "stuff")]
    return [name, " ".join(parts), " ".join(reversed(parts))]


def coco_plane(segmentation: Any, size: tuple[int, int]) -> Plane | None:
    """The mask of an annotation by pycocotools, (H, W); None without one."""
    if not segmentation:
        return None
    if isinstance(segmentation, list):
        runs = coco_mask.merge(coco_mask.frPyObjects(segmentation, *size))
    elif isinstance(segmentation["counts"], list):
        runs = coco_mask.frPyObjects(segmentation, *size)
    else:
        runs = segmentation
    return np.asarray(coco_mask.decode(runs)).astype(bool)


def cached(read: Any) -> Any:
    """The mask of an image as a function of the frame, decoded once."""
    once = cache(read)
    return lambda time: once()


class Panoptic(DataSet):
    """A panoptic JSON with its PNGs: a segment is R + 256 G + 65536 B."""

    def __init__(self, root: Path, split: str) -> None:
        """Read the JSON."""
        super().__init__(complete=True)
        plain = load(root / "annotations" / f"panoptic_{split}.json")
        self._pngs, self._folder = root / "annotations" / f"panoptic_{split}", root / split
        self._images = {image["id"]: image for image in plain["images"]}
        self._rows = {int(row["image_id"]): row for row in plain["annotations"]}
        self._names = {row["id"]: row["name"] for row in plain["categories"]}
        self.classes |= {row["name"]: coco_facts(row) for row in plain["categories"]}
        self.total = len(self._rows)

    def read(self, record: Record) -> TrueScene:
        """Every segment of the image."""
        ident = int(stem_of(record["scene"]))
        row = self._rows[ident]
        red, green, blue = pixels(self._pngs / row["file_name"]).astype(np.int64).transpose(2, 0, 1)
        plane = red + 256 * green + 65536 * blue
        things = [
            Thing((name,), name, cached(partial(np.equal, plane, segment["id"])))
            for segment in row["segments_info"]
            for name in (self._names[segment["category_id"]],)
        ]
        return TrueScene(plane.shape, (self._folder / self._images[ident]["file_name"],), tuple(things))


class IndexMasks(DataSet):
    """Images with a PNG of class indices each, and a list of names in the order of the indices."""

    def __init__(self, root: Path, stated: Iterable[str] = ()) -> None:
        """Read names.txt; `stated` are names that the recipe states to be in no scene."""
        super().__init__(complete=True, stated=frozenset(stated))
        self._root = root
        self._names = dict(enumerate(root.joinpath("names.txt").read_text("utf-8").split("\n")))
        self._names = {value: name.strip() for value, name in self._names.items() if name.strip()}
        self.classes |= {name: ClassFacts(wordings([name])) for name in self._names.values()}
        self.total = len(list((root / "masks").glob("*.png")))

    def read(self, record: Record) -> TrueScene:
        """Every index that occurs and has a name."""
        stem = stem_of(record["scene"])
        plane = pixels(self._root / "masks" / f"{stem}.png")
        things = [
            Thing((name,), name, cached(partial(np.equal, plane, value)))
            for value, name in self._names.items()
            if (plane == value).any()
        ]
        return TrueScene(plane.shape, (next((self._root / "images").glob(f"{stem}.*")),), tuple(things))


RATE = 24.0
"""Frames per second of DAVIS."""


def clip_files(record: Record) -> tuple[str, list[str]]:
    """Video and frames of a clip, from its key (.../VIDEO/FIRST_FRAME) and the times of its frames."""
    _, video, first = record["scene"].rsplit("/", 2)
    return video, [f"{int(first) + round(seconds * RATE):05d}" for seconds in record["seconds"]]


class Davis2016(DataSet):
    """Films with one foreground each, whose class is in the table that DAVIS 2017 publishes for the same films."""

    CLASSES: ClassVar[dict[str, str]] = {
        "blackswan": "bird", "camel": "camel", "car-shadow": "car", "dog": "dog", "drift-straight": "car", "libby": "dog",
    }  # fmt: skip

    def __init__(self, root: Path, total: int) -> None:
        """Keep the folder; `total` is the number of clips that are cut from it."""
        super().__init__(total=total)
        self._root = root
        self.classes |= {name: ClassFacts(wordings([name])) for name in self.CLASSES.values()}

    def read(self, record: Record) -> TrueScene:
        """The foreground: all that is not 0."""
        video, frames = clip_files(record)
        pngs = [self._root / "Annotations" / "480p" / video / f"{frame}.png" for frame in frames]
        planes = [pixels(png) != 0 for png in pngs]
        pictures = tuple(self._root / "JPEGImages" / "480p" / video / f"{frame}.jpg" for frame in frames)
        name = self.CLASSES[video]
        things = (Thing((name,), name, planes.__getitem__),) if any(plane.any() for plane in planes) else ()
        return TrueScene(planes[0].shape, pictures, things)


class Referring(DataSet):
    """Films with palette masks, meta.json and meta_expressions.json, in the layout of Ref-YouTube-VOS."""

    def __init__(self, root: Path, total: int) -> None:
        """Read both JSON files."""
        super().__init__(total=total)
        self._train = root / "train"
        self._objects = {
            video: {int(ident): row for ident, row in entry["objects"].items()}
            for video, entry in load(self._train / "meta.json")["videos"].items()
        }
        (file,) = root.rglob("meta_expressions.json")
        self._expressions = {
            video: [(" ".join(row["exp"].split()), int(row["obj_id"])) for row in entry["expressions"].values()]
            for video, entry in load(file)["videos"].items()
        }
        for video, rows in self._expressions.items():
            for text, ident in rows:
                self.expressions.setdefault(text, set()).add(self._objects[video][ident]["category"])
        names = {row["category"] for objects in self._objects.values() for row in objects.values()}
        self.classes |= {name: ClassFacts(wordings([name])) for name in names}

    def read(self, record: Record) -> TrueScene:
        """Every object that a mask shows, or that meta.json lists in a frame of the clip."""
        video, frames = clip_files(record)
        planes = [pixels(self._train / "Annotations" / video / f"{frame}.png") for frame in frames]
        things = []
        for ident, row in self._objects[video].items():
            if any((plane == ident).any() for plane in planes) or not set(frames).isdisjoint(row["frames"]):
                texts = tuple(text for text, owner in self._expressions[video] if owner == ident)
                shown = [plane == ident for plane in planes]
                things.append(Thing((row["category"], *texts), row["category"], shown.__getitem__))
        pictures = tuple(self._train / "JPEGImages" / video / f"{frame}.jpg" for frame in frames)
        return TrueScene(planes[0].shape, pictures, tuple(things))


def objects_of(annotation: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The objects of a JSON of the full ADE20K, where a single one is no list."""
    found = annotation["object"]
    yield from found if isinstance(found, list) else [found]


class FullAde(DataSet):
    """The full release of ADE20K: class = 256 * (R // 10) + G of NAME_seg.png and NAME_parts_K.png, names in NAME.json.

    A name is a list of synonyms by commas; `hypernym` lists what it is a kind of, the nearest first.
    """

    def __init__(self, root: Path) -> None:
        """List the JSON files."""
        super().__init__(general_kinds=True)
        self._files = {
            path.stem: path for path in root.rglob("*.json") if path.with_name(f"{path.stem}_seg.png").is_file()
        }
        for path in self._files.values():
            for row in objects_of(load(path)["annotation"]):
                self.classes[row["name"]] = ClassFacts(wordings(row["name"].split(",")), hypernyms(row))
        self._by_first = {ade_wordings(name)[-1]: name for name in self.classes}
        self.total = len(self._files)

    def read(self, record: Record) -> TrueScene:
        """Every class of the objects and of their parts, at every level."""
        path = self._files[stem_of(record["scene"])]
        levels = [path.with_name(f"{path.stem}_seg.png"), *sorted(path.parent.glob(f"{path.stem}_parts_*.png"))]
        codes = [pixels(level).astype(np.int64) for level in levels]
        planes = [code[:, :, 0] // 10 * 256 + code[:, :, 1] for code in codes]
        rows = {
            (row["name"], int(row["name_ndx"]), int(row["parts"]["part_level"] or 0))
            for row in objects_of(load(path)["annotation"])
        }
        things = []
        for name, value, level in sorted(rows):
            shown = cached(partial(np.equal, planes[level], value)) if level < len(planes) else (lambda time: None)
            things.append(Thing(ade_wordings(name), name, shown))
        return TrueScene(planes[0].shape, (path.with_suffix(".jpg"),), tuple(things))

    def facts(self, wording: str) -> ClassFacts:
        """By the whole list of synonyms, or by its first one."""
        return super().facts(self._by_first.get(wording, wording))

    def knows(self, wording: str) -> bool:
        """Whether it is a name of the release, or the first synonym of one."""
        return super().knows(self._by_first.get(wording, wording))


def ade_wordings(name: str) -> tuple[str, ...]:
    """The list of synonyms as it is written, and its first entry."""
    return name, name.split(",")[0].strip()


def hypernyms(row: Mapping[str, Any]) -> frozenset[str]:
    """Everything that the JSON states an object to be a kind of, without itself.

    Of each entry the first word counts: a traffic light is a "signal, signaling, sign", but no "signboard, sign".
    """
    chain: Iterable[str] = row["hypernym"] if isinstance(row["hypernym"], list) else [row["hypernym"]]
    return frozenset(normal(entry.split(",")[0]) for entry in chain if entry != row["name"]) - {""}
