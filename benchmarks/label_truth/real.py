"""The real data sets beside a checkout: the entry of a recipe for each, and the reader of its own files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from label_truth.annotated import DataSet, Mixture
from label_truth.readers import CocoFile, Davis2016, FullAde, IndexMasks, Panoptic, Referring

Options = dict[str, Any]


CAMVID_ABSENT = (
    "elephant",
    "sofa",
    "bathtub",
    "sailing boat",
    "giraffe",
    "airplane",
    "pizza",
    "bed",
    "sheep",
    "toaster",
)
"""What no picture of CamVid's streets shows: each of its own classes is in all 60 of them."""


@dataclass(frozen=True)
class RealSet:
    """A data set with everything that is needed to build a corpus of it and to check that.

    Attributes:
        name: Name in tables.
        sources: Its entries in a recipe.
        prefix: First part of its scenes' keys.
        open: Opens the reader of its own files.
        exhaustive: Whether its vocabulary is annotated completely.
    """

    name: str
    sources: tuple[Options, ...]
    prefix: str
    open: Callable[[], DataSet]
    exhaustive: bool

    @property
    def stated(self) -> bool:
        """Whether the recipe states what is absent."""
        return any("absent_names" in entry for entry in self.sources)


STREET: Options = {"name": "street", "scenes": 60, "size": [360, 540]}
DRAWN = RealSet("street (drawn)", (STREET,), "street/", DataSet, False)
"""Drawn scenes have no files to be checked against, but can be judged by eye."""


def real_sets(data: Path, home: Path) -> list[RealSet]:
    """Every real data set with masks, and all of them in one corpus whose prompts list names of the others as well.

    Args:
        data: Folder of the real data sets.
        home: Folder for layouts that must be made of them.
    """
    sets = [*_images(data), *_videos(data, home)]
    mixed = [real for real in sets if real.name != "ref_davis"]  # vos_multi holds its films, too
    sources = tuple({**entry, "other_names": True} for real in mixed for entry in real.sources)
    return [*sets, RealSet("everything", sources, "", partial(_open_all, mixed), False)]


def _open_all(mixed: Iterable[RealSet]) -> Mixture:
    return Mixture([(real.prefix, real.open()) for real in mixed])


def _images(data: Path) -> Iterator[RealSet]:
    coco, tiny, polygons, camvid = data / "coco", data / "tinycoco", data / "coco_polygons", data / "camvid"
    places = (
        ("coco", coco, coco / "val2017", "val2017"),
        ("tinycoco train2017", tiny, tiny / "images" / "train2017", "train2017"),
        ("tinycoco val2017", tiny, tiny / "images" / "val2017", "val2017"),
    )
    for name, root, images, split in places:
        reader = partial(CocoFile, root / "annotations" / f"instances_{split}.json", images)
        yield RealSet(name, ({"name": "coco", "root": root, "split": split},), f"coco/{split}/", reader, True)
    reader = partial(CocoFile, polygons / "annotations" / "instances_train.json", polygons, complete=False)
    entry: Options = {"name": "coco_json", "root": polygons, "dataset": "voc_polygons"}
    yield RealSet("coco_polygons", (entry,), "voc_polygons/", reader, False)
    entry = {"name": "coco_panoptic", "root": coco, "split": "val2017"}
    yield RealSet("coco_panoptic", (entry,), "coco_panoptic/", partial(Panoptic, coco, "val2017"), True)
    entry = {"name": "folder", "root": camvid, "dataset": "camvid", "void": [11], "absent_names": CAMVID_ABSENT}
    yield RealSet("camvid (folder)", (entry,), "camvid/", partial(IndexMasks, camvid, CAMVID_ABSENT), True)
    entry = {"name": "ade20k_full", "root": data / "ade20k"}
    yield RealSet("ade20k full", (entry,), "ade20k_full/", partial(FullAde, data / "ade20k"), False)


def _videos(data: Path, home: Path) -> Iterator[RealSet]:
    root = data / "davis"
    entry: Options = {"name": "davis", "root": root, "year": 2016, "split": "val", "frames": 4, "hop": 4}
    yield RealSet("davis 2016", (entry,), "davis/", partial(Davis2016, root, clips(root, 4, 4, 4)), False)
    root = data / "ref_davis"
    entry = {"name": "ref_davis", "root": root, "frames": 4, "stride": 1, "hop": 2}
    yield RealSet("ref_davis", (entry,), "ref_davis/", partial(Referring, root, clips(root, 4, 1, 2)), False)
    root = with_judo(data, home / "judo")
    entry = {"name": "ref_davis", "root": root, "frames": 2, "stride": 1, "hop": 1}
    yield RealSet("vos_multi", (entry,), "ref_davis/", partial(Referring, root, clips(root, 2, 1, 1)), False)


def clips(root: Path, frames: int, stride: int, hop: int) -> int:
    """Number of clips that are cut from the annotated films below a folder."""
    counts: dict[Path, int] = {}
    for png in root.rglob("*.png"):
        counts[png.parent] = counts.get(png.parent, 0) + 1
    return sum(len(range(0, count - (frames - 1) * stride, hop)) for count in counts.values())


def with_judo(data: Path, root: Path) -> Path:
    """Ref-DAVIS and judo of vos_multi in one folder. Each mask of judo shows one object; the others have no mask."""
    train = root / "train"
    for part in ("JPEGImages", "Annotations"):
        videos = (*(data / "ref_davis" / "train" / part).iterdir(), data / "vos_multi" / part / "judo")
        for video in videos:
            shutil.copytree(video, train / part / video.name, dirs_exist_ok=True)
    meta = json.loads((data / "ref_davis" / "train" / "meta.json").read_bytes())
    frames = ["00000", "00005", "00008", "00013"]
    objects = {str(at): {"category": "person", "frames": frames} for at in range(1, 5)}
    meta["videos"]["judo"] = {"objects": objects}
    (train / "meta.json").write_text(json.dumps(meta))
    (file,) = (data / "ref_davis").rglob("meta_expressions.json")
    expressions = json.loads(file.read_bytes())
    own = {"0": {"exp": "a man in a judo suit", "obj_id": "1"}}
    expressions["videos"]["judo"] = {"frames": frames, "expressions": own}
    target = root / "meta_expressions" / "train" / "meta_expressions.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(expressions))
    return root


EXPOSURES = {
    "relabel": 3.0, "several": 1.0, "absent": 2.0, "near_miss": 2.0, "context": 0.5, "paste": 0.5, "swap": 0.25,
    "motion": 0.25,
}  # fmt: skip


def recipe(real: RealSet, samples: int, seed: int) -> Options:
    """The recipe of a corpus of one data set: every exposure, no augmentation, pictures at their own size."""
    return {
        "name": "truth",
        "about": f"{real.name}: checked against its own files.",
        "samples": samples,
        "val": 0,
        "seed": seed,
        "sources": real.sources,
        "exposures": [{"name": name, "weight": weight} for name, weight in EXPOSURES.items()],
        "names_per_prompt": 12,
        "broken": "drop",
    }
