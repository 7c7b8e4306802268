"""The data sets of the paper's recipes, in their official layouts, drawn by the source `street`: scenes that make sense.

Other miniatures are noise and boxes, which is all that a reader needs; exposures need things that stand, move and
hide one another. `draw(root)` writes all eight below `root`, each in a folder of its source's name.
"""

from __future__ import annotations

import json
import pickle
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from lavida_gen.scenes import masks
from lavida_gen.scenes.images import encode_jpeg
from lavida_gen.scenes.scene import Region, Scene
from lavida_gen.sources import cityscapes
from lavida_gen.sources.street import StreetSource
from lavida_gen.street.acts import KINDS
from miniatures import shapes

SIZE = (96, 128)
STILLS, FILMS, FRAMES = 40, 12, 10
SPLIT_BY = {"refcoco": "unc", "refcoco+": "unc", "refcocog": "umd", "refclef": "unc"}


@cache
def scenes(kind: str, seed: int) -> tuple[Scene, ...]:
    """Images, or clips of FRAMES frames, drawn from a seed."""
    count = STILLS if kind == "image" else FILMS
    source = StreetSource(StreetSource.Options(kind=kind, size=SIZE, scenes=count, frames=FRAMES, fps=6, seed=seed))
    return tuple(source.scene(number) for number in range(count))


def draw(root: Path) -> None:
    """Draw all data sets."""
    ade20k(root / "ade20k")
    mapillary(root / "mapillary")
    street_views(root / "cityscapes")
    refer(root / "refcoco")
    objects = videos(root / "youtube_vos", 10, every=5)
    shapes.write(root / "youtube_vos" / "train" / "meta.json", {"videos": objects})
    for name, seed, every in (("ref_youtube_vos", 11, 5), ("ref_davis", 12, 1)):
        referred(root / name, videos(root / name, seed, every), seed)
    mevis(root / "mevis", 13)


def save(path: Path, scene: Scene, time: int = 0) -> None:
    """A frame of a scene as JPEG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_jpeg(scene.frames[time].pixels(), 92))


def plane(scene: Scene, values: list[int], time: int = 0, ground: int = 0) -> np.ndarray:
    """(H, W) int32: the value of each region where it is visible."""
    found = np.full(scene.size, ground, np.int32)
    for region, value in zip(scene.regions, values, strict=True):
        mask = region.masks[time]
        if mask is not None:
            found[masks.decode(mask)] = value
    return found


def expression(region: Region, film: int) -> str:
    """An expression of a region."""
    return region.names[-1] if len(region.names) > 1 else f"the {region.category} in film {film}"


def ade20k(root: Path) -> None:
    shapes.write(root / "objectInfo150.txt", "".join(f"{at}\t0.1\t1\t1\t{name}\n" for at, name in enumerate(["road", *KINDS], 1)))  # fmt: skip
    for number, scene in enumerate(scenes("image", 1)):
        values = [list(KINDS).index(region.category) + 2 for region in scene.regions]
        save(root / "images" / "training" / f"ADE_train_{number:08d}.jpg", scene)
        file = root / "annotations" / "training" / f"ADE_train_{number:08d}.png"
        shapes.save(file, plane(scene, values, ground=1).astype(np.uint8))


def mapillary(root: Path) -> None:
    labels = [{"name": f"object--{kind}", "readable": kind, "instances": True} for kind in KINDS]
    road = {"name": "construction--flat--road", "readable": "Road", "instances": False}
    shapes.write(root / "config.json", {"labels": [road, *labels], "version": "1.2"})
    for number, scene in enumerate(scenes("image", 2)):
        values = [256 * (list(KINDS).index(one.category) + 1) + at for at, one in enumerate(scene.regions)]
        save(root / "training" / "images" / f"view{number}.jpg", scene)
        file = root / "training" / "instances" / f"view{number}.png"
        shapes.save(file, plane(scene, values).astype(np.uint16))


def street_views(root: Path) -> None:
    """Cityscapes; regions without a class are void."""
    ids = {name: number for number, (name, _, instances) in cityscapes.TABLE.items() if instances}
    for number, scene in enumerate(scenes("image", 3)):
        stem = f"aachen_{number:06d}_000019"
        values = [1000 * ids[one.category] + at if one.category in ids else 4 for at, one in enumerate(scene.regions)]
        shapes.save(root / "leftImg8bit" / "train" / "aachen" / f"{stem}_leftImg8bit.png", scene.frames[0].pixels())
        file = root / "gtFine" / "train" / "aachen" / f"{stem}_gtFine_instanceIds.png"
        shapes.save(file, plane(scene, values, ground=7).astype(np.uint16))


def refer(root: Path) -> None:
    """refCOCO, refCOCO+, refCOCOg and refCLEF, over the same images."""
    photos, annotations, refs = [], [], []
    for number, scene in enumerate(scenes("image", 4), start=1):
        name = f"COCO_train2014_{number:012d}.jpg"
        photos.append({"id": number, "file_name": name, "height": SIZE[0], "width": SIZE[1], "license": 1})
        for folder in ("train2014", "saiapr_tc-12"):
            save(root / "images" / folder / name, scene)
        for region in scene.regions:
            mask = region.masks[0]
            assert mask is not None
            rle, ident, kind = shapes.run_lengths(masks.decode(mask)), len(annotations) + 1, list(KINDS).index(region.category) + 1  # fmt: skip
            annotations.append(
                {"id": ident, "image_id": number, "category_id": kind, "iscrowd": 0, "segmentation": rle}
            )
            text = expression(region, number)
            sentences = [{"sent_id": ident, "sent": text, "raw": text, "tokens": text.split()}]
            refs.append(
                {"ref_id": ident, "ann_id": ident, "image_id": number, "category_id": kind, "split": "train",
                 "file_name": name, "sent_ids": [ident], "sentences": sentences}
            )  # fmt: skip
    categories = [{"id": at, "name": kind, "supercategory": "thing"} for at, kind in enumerate(KINDS, start=1)]
    licences = [{"id": 1, "name": "CC0", "url": "https://creativecommons.org/publicdomain/zero/1.0/"}]
    plain = {"images": photos, "annotations": annotations, "categories": categories, "licenses": licences}
    for name, split_by in SPLIT_BY.items():
        shapes.write(root / name / "instances.json", plain)
        (root / name / f"refs({split_by}).p").write_bytes(pickle.dumps(refs, protocol=2))


def videos(root: Path, seed: int, every: int) -> dict[str, Any]:
    """JPEGImages, palette masks, and the videos of a meta.json."""
    entries: dict[str, Any] = {}
    for number, scene in enumerate(scenes("clip", seed)):
        video, objects = f"film{number:03d}", {}
        for at, region in enumerate(scene.regions, start=1):
            seen = [f"{every * time:05d}" for time, mask in enumerate(region.masks) if mask is not None]
            objects[str(at)] = {"category": region.category.replace(" ", "_"), "frames": seen}
        for time in range(FRAMES):
            values = list(range(1, len(scene.regions) + 1))
            save(root / "train" / "JPEGImages" / video / f"{every * time:05d}.jpg", scene, time)
            shapes.palette(
                root / "train" / "Annotations" / video / f"{every * time:05d}.png", plane(scene, values, time)
            )
        entries[video] = {"objects": objects}
    return entries


def referred(root: Path, objects: dict[str, Any], seed: int) -> None:
    """meta.json and meta_expressions.json."""
    shapes.write(root / "train" / "meta.json", {"videos": objects})
    entries = {}
    for number, (video, scene) in enumerate(zip(objects, scenes("clip", seed), strict=True)):
        rows = {
            str(at): {"exp": expression(one, number), "obj_id": str(at + 1)} for at, one in enumerate(scene.regions)
        }
        entries[video] = {"expressions": rows, "frames": []}
    shapes.write(root / "meta_expressions" / "train" / "meta_expressions.json", {"videos": entries})


def mevis(root: Path, seed: int) -> None:
    """Run lengths by annotation, expressions with all annotations they describe."""
    codes: dict[str, list[Any]] = {}
    entries = {}
    for number, scene in enumerate(scenes("clip", seed)):
        video, texts = f"film{number:03d}", dict[str, list[str]]()
        for region in scene.regions:
            ident = str(len(codes))
            codes[ident] = [mask and shapes.run_lengths(masks.decode(mask)) for mask in region.masks]
            texts.setdefault(expression(region, number), []).append(ident)
        rows = {str(at): {"exp": text, "anno_id": [int(one) for one in ids]} for at, (text, ids) in enumerate(texts.items())}  # fmt: skip
        for time in range(FRAMES):
            save(root / "train" / "JPEGImages" / video / f"{time:05d}.jpg", scene, time)
        entries[video] = {"expressions": rows, "frames": [f"{time:05d}" for time in range(FRAMES)]}
    shapes.write(root / "train" / "mask_dict.json", json.loads(json.dumps(codes)))
    shapes.write(root / "train" / "meta_expressions.json", {"videos": entries})
