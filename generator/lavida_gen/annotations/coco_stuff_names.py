"""Classes of COCO's stuff and panoptic annotations: their table, in words people use, and which may be anomalies."""

from __future__ import annotations

from functools import cache

from lavida_gen.annotations.index_masks import Label
from lavida_gen.common.resources import resource

TABLE = resource("coco_stuff.tsv")
FIRST_STUFF = 92

MOVABLE = frozenset(("textile", "furniture-stuff", "food-stuff", "raw-material"))
"""Supercategories of stuff that could lie in a place by mistake; all other stuff is what a place is made of."""

MATERIALS = ("wall-", "floor-", "ceiling-")
SUFFIXES = ("-merged", "-other", "-stuff")
SPELT = {"playingfield": "playing field", "waterdrops": "water drops", "structural": "structure"}


def natural(name: str) -> str:
    """``wall-brick`` -> ``brick wall``, ``tree-merged`` -> ``tree``, ``playingfield`` -> ``playing field``."""
    for suffix in SUFFIXES:  # "wall-other-merged" has two of them, in this order from its end
        name = name.removesuffix(suffix)
    if name.startswith(MATERIALS):
        thing, material = name.split("-", 1)
        name = f"{material} {thing}"
    return SPELT.get(name, name.replace("-", " "))


def label(name: str, group: str, thing: bool) -> Label:
    """The label of a category as COCO words it; `group` is its supercategory."""
    if thing:
        return Label(name, "thing", True, group)
    return Label(natural(name), "stuff", group in MOVABLE, group)


@cache
def labels() -> dict[int, Label]:
    """All 182 classes by id 1..182. Eleven things among them were never annotated."""
    found = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            number, name, group = line.split("\t")
            found[int(number)] = label(name, group, int(number) < FIRST_STUFF)
    return found
