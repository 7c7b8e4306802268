"""Classes of COCO's stuff and panoptic annotations: everyday names, and which of them may be anomalies."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from lavida_gen.classes.label import Label
from lavida_gen.common.resources import own_text, resource

TABLE = resource("coco_stuff.tsv")
FIRST_STUFF = 92
NEVER = frozenset((12, 26, 29, 30, 45, 66, 68, 69, 71, 83, 91))
"""Ids of things that COCO lists (street sign, hat, shoe, eye glasses, plate, mirror, window, desk, door, blender, hair
brush) and never annotated: nothing is known of their absence."""

MOVABLE = frozenset(("textile", "furniture-stuff", "food-stuff", "raw-material"))
"""Supercategories of stuff that could lie in a place by mistake; all other stuff is what a place consists of."""

GENERAL = {
    "furniture": ("furniture-stuff", "furniture"),
    "food": ("food-stuff", "food"),
    "structure": ("structural", "building"),
}
"""Classes of what is left over in a supercategory: their names are true of everything in these supercategories. (One
that has the name of its own supercategory, such as "wall", needs no entry.)"""

NO_WORD = "solid"
"""What is left over of rock, stone, hill, mountain and wood: people do not call it so, and it is true of too much."""

MADE_OF = frozenset(("cardboard", "cloth", "clothes", "metal", "paper", "plastic", "structure", "textile", "wood"))
"""Materials: what is left of them when all things are annotated. A car is of metal, a bench of wood: neither is
annotated so, and people would not call the material absent."""

MATERIALS = ("wall-", "floor-", "ceiling-")
SUFFIXES = ("-merged", "-other", "-stuff")
SPELLING = {"playingfield": "playing field", "waterdrops": "water drops", "structural": "structure"}


def everyday_name(name: str) -> str:
    """``wall-brick`` -> ``brick wall``, ``tree-merged`` -> ``tree``, ``playingfield`` -> ``playing field``.

    Args:
        name: COCO's name of a class of stuff.

    Returns:
        The name that people use.
    """
    for suffix in SUFFIXES:  # "wall-other-merged" has two of them, in this order from its end
        name = name.removesuffix(suffix)
    if name.startswith(MATERIALS):
        thing, material = name.split("-", 1)
        name = f"{material} {thing}"
    return SPELLING.get(name, name.replace("-", " "))


def make_label(name: str, group: str, thing: bool) -> Label:
    """The label of a category.

    Args:
        name: COCO's name of the category.
        group: Its supercategory.
        thing: Whether it is a thing, not stuff.

    Returns:
        The label.
    """
    if thing:
        return Label(name, "thing", True, group)
    everyday = everyday_name(name)
    return Label(everyday, "stuff", group in MOVABLE, group, original=name if name != everyday else "")


def related_names(labels: Iterable[Label]) -> dict[str, list[str]]:
    """Which names may be true of the same thing: general ones and all that they cover.

    Args:
        labels: All labels of the data set.

    Returns:
        Name -> other names.
    """
    rows = list(labels)
    return {
        general: [label.name for label in rows if label.group in groups and label.name != general]
        for general, groups in GENERAL.items()
    }


@cache
def all_labels() -> dict[int, Label]:
    """All 182 classes by id 1..182, also those that were never annotated."""
    labels = {}
    for line in own_text(TABLE).splitlines():
        if not line.startswith("#"):
            number, name, group = line.split("\t")
            labels[int(number)] = make_label(name, group, int(number) < FIRST_STUFF)
    return labels
