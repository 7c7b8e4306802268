"""The cost of the steps of a sample, with a simpler implementation and with ours: CPU microseconds, best of many rounds.

python benchmarks/costs.py
"""

from __future__ import annotations

import tarfile
import time
import warnings
from collections.abc import Callable

import cv2
import numpy as np
from drawn_data import KINDS, SIZE, polygon

from lavida_gen.corpus.shards import tar_header
from lavida_gen.names import lexicon, vocabulary
from lavida_gen.scenes import masks
from lavida_gen.scenes.scene import Name

ROUNDS = 7


def best_microseconds(work: Callable[[int], object], times: int) -> float:
    """CPU microseconds of one call."""
    found = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for number in range(times):
            work(number)
        found.append((time.process_time() - began) / times)
    return min(found) * 1e6


def tarfile_header(number: int) -> bytes:
    """The header of a tar member by the standard library."""
    info = tarfile.TarInfo("000000003.mask.png")
    info.size = number
    return info.tobuf(tarfile.USTAR_FORMAT)


def pick_absent_uncached(names: list[Name], present: list[Name]) -> list[str]:
    """`vocabulary.pick_absent`, but every pair of names is compared anew."""
    found: list[str] = []
    for name in names:
        for other in present:
            if lexicon.conflict(name, other):
                break
        else:
            if not any(lexicon.same_wording(name.text, text) for text in found):
                found.append(name.text)
    return found


def png_of_columns(rle: masks.RLE) -> bytes:
    """`masks.to_png`, but OpenCV gets the plane of pycocotools as it is, column by column."""
    plane = masks._api().decode([masks._coco(rle)])[:, :, 0]
    return bytes(cv2.imencode(".png", plane, [cv2.IMWRITE_PNG_BILEVEL, 1])[1])


def main() -> None:
    """Measure all steps and print one table."""
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    rles = [masks.from_polygons([polygon(rng)], SIZE) for _ in range(200)]
    planes = [np.ascontiguousarray(masks.decode(rle)).view(np.uint8) for rle in rles]
    names = [Name(f"kind{k}", f"kind{k}") for k in range(KINDS)]
    present, candidates = names[:7], names[10:40]
    one_bit = [cv2.IMWRITE_PNG_BILEVEL, 1]
    rows = (
        ("header of a tar member, tarfile", best_microseconds(tarfile_header, 2000)),
        ("header of a tar member, ours", best_microseconds(lambda n: tar_header("000000003.mask.png", n), 2000)),
        (
            "30 names against 7 in the scene, uncached",
            best_microseconds(lambda n: pick_absent_uncached(candidates, present), 300),
        ),
        (
            "30 names against 7 in the scene, ours",
            best_microseconds(lambda n: vocabulary.pick_absent(candidates, present, (), 30), 300),
        ),
        ("mask of 640 x 480 to PNG, by columns", best_microseconds(lambda n: png_of_columns(rles[n]), 200)),
        ("mask of 640 x 480 to PNG, ours", best_microseconds(lambda n: masks.to_png(rles[n]), 200)),
        ("  of which OpenCV's encoder", best_microseconds(lambda n: cv2.imencode(".png", planes[n], one_bit), 200)),
    )
    for name, cost in rows:
        print(f"{name:40} {cost:8.1f} us")


if __name__ == "__main__":
    main()
