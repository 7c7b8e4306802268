"""A corpus of untouched images as one would write it by hand: pycocotools, Pillow and webdataset, nothing of ours.

What it writes is what `lavida-gen build` writes for the exposures `relabel` and `absent`: the file's own JPEG, a mask
PNG, a JSON with prompt, names, labels, box, area and origin, in shards with a manifest of their digests. It is written
to be fast: masks are united as run lengths, the PNG has 1 bit a pixel at the lowest compression, the empty mask is
encoded once. It does less than the build: any category that is not annotated in the picture may be listed as absent, no
distribution of names is kept, no header of a picture is looked at, there are neither statistics nor a preview, and a
killed run starts anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from pathlib import Path

import numpy as np
import webdataset
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

NAMES = 12
"""Most names in a prompt, as in the build."""


def mask_png(bits: np.ndarray) -> bytes:
    """The PNG of a mask (H, W) uint8, 0 and 1; 8 bits a pixel or the default compression take Pillow longer."""
    out = io.BytesIO()
    Image.fromarray(bits.astype(bool)).save(out, "PNG", compress_level=1)
    return out.getvalue()


def peer(root: Path, out: Path, samples: int) -> None:
    """Write a corpus.

    Args:
        root: The data set, as `drawn_data.draw_coco` writes it.
        out: A folder that does not exist.
        samples: How many samples, every second one without an anomaly.
    """
    out.mkdir()
    rng = np.random.default_rng(1)
    with contextlib.redirect_stdout(io.StringIO()):  # it prints how long it reads
        coco = COCO(root / "annotations" / "instances_val2017.json")
    image_ids = coco.getImgIds()
    names = {number: category["name"] for number, category in coco.cats.items()}
    licences = {row["id"]: row["name"] for row in coco.dataset["licenses"]}
    empty: dict[tuple[int, int], bytes] = {}
    shard_samples = max(50, samples // 16)
    with webdataset.ShardWriter(str(out / "%05d.tar"), maxcount=shard_samples, maxsize=500e6, verbose=0) as writer:
        for index in range(samples):
            image = coco.imgs[image_ids[int(rng.integers(len(image_ids)))]]
            annotations = coco.imgToAnns[image["id"]]
            size = (image["height"], image["width"])
            present = sorted({row["category_id"] for row in annotations})
            absent = [number for number in names if number not in present]
            exposed, count = index % 2 == 1, int(rng.integers(1, NAMES + 1))
            listed = [names[absent[n]] for n in rng.permutation(len(absent))[: count - exposed].tolist()]
            anomaly, box, area = "", [0, 0, 0, 0], 0.0
            if exposed:
                kind = present[int(rng.integers(len(present)))]
                anomaly = names[kind]
                listed.append(anomaly)
                parts = [coco.annToRLE(row) for row in annotations if row["category_id"] == kind]
                rle = coco_mask.merge(parts)
                png = mask_png(coco_mask.decode(rle))
                box = [int(side) for side in coco_mask.toBbox(rle)]
                area = int(coco_mask.area(rle)) / (size[0] * size[1])
            else:
                if size not in empty:
                    empty[size] = mask_png(np.zeros(size, np.uint8))
                png = empty[size]
            listed = [listed[n] for n in rng.permutation(len(listed)).tolist()]
            record = {
                "index": index, "width": size[1], "height": size[0], "names": listed,
                "labels": [name == anomaly for name in listed], "exposed": exposed,
                "question": f"Does the picture show any of: {', '.join(listed)}?",
                "answer": f"Yes, {anomaly}: <SEG>" if exposed else "None of them: <SEG>",
                "boxes": [box], "areas": [round(area, 6)], "scene": f"coco/val2017/{image['id']:012d}",
                "licence": licences[image["license"]], "seed": 1,
            }  # fmt: skip
            jpeg = (root / "val2017" / image["file_name"]).read_bytes()
            writer.write({"__key__": f"{index:09d}", "jpg": jpeg, "mask.png": png, "json": record})
    digests = {}
    for path in sorted(out.glob("*.tar")):
        with path.open("rb") as file:
            digests[path.name] = hashlib.file_digest(file, "sha256").hexdigest()
    (out / "manifest.json").write_text(json.dumps({"samples": samples, "shards": digests}))
