"""The real data sets beside a checkout: the entry of a recipe for each, and the reader of its own files."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from label_truth.annotated import DataSet
from label_truth.readers import CocoFile, Davis2016, FullAde, IndexMasks, Panoptic, Referring

Options = dict[str, Any]


@dataclass(frozen=True)
class RealSet:
    """A data set with everything that is needed to build a corpus of it and to check that.

    Attributes:
        name: Name in tables.
        source: Its entry in a recipe.
        open: Opens the reader of its own files.
        exhaustive: Whether names may be listed as absent because its vocabulary is annotated completely.
        more: Other keys of the recipe.
    """

    name: str
    source: Options
    open: Callable[[], DataSet]
    exhaustive: bool
    more: Options = field(default_factory=dict)


def real_sets(data: Path, home: Path, known_sources: Iterable[str]) -> Iterator[RealSet]:
    """Every real data set with masks.

    Args:
        data: Folder of the real data sets.
        home: Folder for layouts that must be made of them.
        known_sources: Names of the sources that there are.
    """
    known = set(known_sources)
    coco, tiny, polygons, camvid = data / "coco", data / "tinycoco", data / "coco_polygons", data / "camvid"
    file = coco / "annotations" / "instances_val2017.json"
    yield _coco("coco", coco, "val2017", partial(CocoFile, file, coco / "val2017"))
    for split in ("train2017", "val2017"):
        file_ = tiny / "annotations" / f"instances_{split}.json"
        yield _coco(f"tinycoco {split}", tiny, split, partial(CocoFile, file_, tiny / "images" / split))
    yield RealSet(
        "coco_polygons",
        _own_json(polygons, known),
        partial(CocoFile, polygons / "annotations" / "instances_train.json", polygons),
        True,
    )
    entry = {"name": "coco_panoptic", "root": coco, "split": "val2017"}
    yield RealSet("coco_panoptic", entry, partial(Panoptic, coco, "val2017"), True)
    yield RealSet(
        "camvid (folder)",
        {"name": "folder", "root": camvid, "dataset": "camvid", "void": [11]},
        partial(IndexMasks, camvid),
        True,
        {"anomaly_ratio": 1.0},  # every class is in every scene
    )
    davis = data / "davis"
    entry = {"name": "davis", "root": davis, "year": 2016, "split": "val", "frames": 4, "hop": 4}
    yield RealSet("davis 2016", entry, partial(Davis2016, davis, clips(davis, 4, 4, 4)), False)
    entry = {"name": "ref_davis", "root": data / "ref_davis", "frames": 4, "stride": 1, "hop": 2}
    yield RealSet("ref_davis", entry, partial(Referring, data / "ref_davis", clips(data / "ref_davis", 4, 1, 2)), False)
    judo = with_judo(data, home / "judo")
    entry = {"name": "ref_davis", "root": judo, "frames": 2, "stride": 1, "hop": 1}
    yield RealSet("vos_multi", entry, partial(Referring, judo, clips(judo, 2, 1, 1)), False)
    if "ade20k_full" in known:
        yield RealSet(
            "ade20k full", {"name": "ade20k_full", "root": data / "ade20k"}, partial(FullAde, data / "ade20k"), False
        )


def _coco(name: str, root: Path, split: str, reader: Callable[[], DataSet]) -> RealSet:
    return RealSet(name, {"name": "coco", "root": root, "split": split}, reader, True)


def _own_json(root: Path, known: set[str]) -> Options:
    """Somebody's JSON in COCO's format is read by `coco_json`."""
    own = {"root": root, "annotations": "annotations/instances_train.json", "images": "."}
    return {"name": "coco_json", "dataset": "voc_polygons", **own} if "coco_json" in known else {"name": "coco", **own}


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
        "sources": [real.source],
        "exposures": [{"name": name, "weight": weight} for name, weight in EXPOSURES.items()],
        "names_per_prompt": 12,
        "broken": "drop",
        **real.more,
    }
