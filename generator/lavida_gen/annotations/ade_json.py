"""Files of the full ADE20K release: a JSON, a picture of classes and instances, and one of parts for each level.

A class is named by all synonyms of its WordNet synset ("car, auto, automobile, machine, motorcar"), with those of its
hypernyms beside it, which together state one synset. https://github.com/CSAILVision/ADE20K
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lavida_gen.annotations import index_masks, json_file
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.input_file import MAX_TEXT, read_input
from lavida_gen.common.json_file import parse_json
from lavida_gen.names import wordnet
from lavida_gen.scenes import masks
from lavida_gen.scenes.masks import RLE

_MOST_SENSES = 40
"""No noun of WordNet has more."""


@dataclass(frozen=True, slots=True)
class AdeClass:
    """A class.

    Attributes:
        name: All its synonyms, divided by ", ".
        hypernyms: The synonyms of each hypernym, its own first; () for parts and what WordNet does not have.
    """

    name: str
    hypernyms: tuple[str, ...]

    @property
    def synonyms(self) -> list[str]:
        """Its synonyms, the usual one first."""
        return [word.strip() for word in self.name.split(",") if word.strip()]

    @property
    def group(self) -> str:
        """The usual word for what it is a kind of, "" if unknown."""
        return self.hypernyms[1].split(",")[0].strip() if len(self.hypernyms) > 1 else ""

    def synset(self) -> str:
        """The synset that the synonyms and hypernyms state, such as "car.n.01"; "" if they do not state exactly one."""
        return _synset(self)


@lru_cache(maxsize=10_000)
def _synset(own: AdeClass) -> str:
    """The sense that all synonyms share; of several the one with the most of the hypernyms."""
    if not own.hypernyms or not own.synonyms:
        return ""
    first, *others = (_senses(word) for word in own.synonyms)
    parents = [_senses(words.split(",")[0].strip()) for words in own.hypernyms[1:]]
    common = {sense: number for sense, number in first.items() if all(sense in other for other in others)}
    found = {  # the most general hypernyms are not in our table
        number: sum(not wordnet.kinds(sense).isdisjoint(parent) for parent in parents)
        for sense, number in common.items()
    }
    best = [number for number, matches in found.items() if matches == max(found.values())]
    return f"{own.synonyms[0].replace(' ', '_')}.n.{best[0]:02d}" if len(best) == 1 else ""


@lru_cache(maxsize=10_000)
def _senses(lemma: str) -> dict[int, int]:
    """Synset -> number of the sense, of all senses of a noun."""
    word = lemma.replace(" ", "_")
    readings = ((number, wordnet.synset(f"{word}.n.{number:02d}")) for number in range(1, _MOST_SENSES + 1))
    return {sense: number for number, reading in readings for sense in reading.senses}


@dataclass(frozen=True, slots=True)
class AdeFile:
    """What a JSON states.

    Attributes:
        size: (H, W) of the picture in pixels.
        classes: The classes of its objects by number.
        objects: (number of the class, level: 0 = a whole, 1 = a part, 2 = a part of a part) of each object.
        parts: (number of the class of a part, of its whole) of each part.
        is_latin1: Whether the text is in Latin-1 instead of UTF-8.
    """

    size: tuple[int, int]
    classes: Mapping[int, AdeClass]
    objects: Sequence[tuple[int, int]]
    parts: Sequence[tuple[int, int]]
    is_latin1: bool

    @property
    def levels(self) -> int:
        """How many levels of parts there are."""
        return max((level for _, level in self.objects), default=0)


def read(path: Path) -> AdeFile:
    """Read a JSON.

    Args:
        path: The file.

    Returns:
        What it states.

    Raises:
        DataError: It is broken, or of another data set.
    """
    plain, is_latin1 = _load(path)
    annotation = json_file.member(plain, "annotation", dict, path)
    where = f"{path}: annotation"
    sides = json_file.member(annotation, "imsize", list, where)
    if len(sides) < 2 or not all(type(side) is int and side > 0 for side in sides[:2]):
        raise DataError(problem(where, f"imsize is {str(sides)[:40]}", "[height, width, 3]"))
    classes, objects = dict[int, AdeClass](), list[tuple[int, int]]()
    class_of, whole_of = dict[object, int](), list[tuple[int, object]]()
    plain_objects = annotation.get("object")
    for number, thing in enumerate(plain_objects if isinstance(plain_objects, list) else [plain_objects]):
        if thing is None:  # a picture without objects
            continue
        own = f"{where}: object[{number}]"
        ident, name = json_file.integer(thing, "name_ndx", own), json_file.member(thing, "name", str, own).strip()
        hypernyms = tuple(str(words) for words in _as_list(thing.get("hypernym")))
        classes.setdefault(ident, AdeClass(name, hypernyms))
        parts = _parts(thing)
        objects.append((ident, _level(parts, own)))
        class_of[str(thing.get("id"))] = ident
        whole_of += [(ident, str(whole)) for whole in _as_list(parts.get("ispartof"))]
    pairs = [(part, class_of[whole]) for part, whole in whole_of if whole in class_of]
    return AdeFile((sides[0], sides[1]), classes, objects, pairs, is_latin1)


def _load(path: Path) -> tuple[Any, bool]:
    """The JSON value, and whether it is in Latin-1. Raises DataError."""
    expected = "a complete JSON of ADE20K"
    data = read_input(path, MAX_TEXT, expected)
    try:
        text, is_latin1 = data.decode("utf-8-sig"), False
    except UnicodeDecodeError:
        text, is_latin1 = data.decode("latin-1"), True
    return parse_json(text, path, expected, "fetch it again"), is_latin1


def _parts(thing: Mapping[str, Any]) -> Mapping[str, Any]:
    parts = thing.get("parts")
    return parts if isinstance(parts, dict) else {}


def _level(parts: Mapping[str, Any], where: str) -> int:
    """Level of an object: parts.part_level. Raises DataError."""
    level = _as_list(parts.get("part_level")) or [0]
    if not str(level[0]).isdecimal() or int(level[0]) > 9:
        raise DataError(problem(where, f"part_level is {str(level[0])[:40]!r}", "a small number"))
    return int(level[0])


def _as_list(value: object) -> list[Any]:
    """A list; one value stands for a list of one."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def read_instances(path: Path) -> Iterator[tuple[int, RLE]]:
    """The instances in a picture of classes and instances, which covers what is visible of each.

    Args:
        path: NAME_seg.png or NAME_parts_LEVEL.png.

    Yields:
        (number of the class, mask), sorted; pixels without a class are left out.

    Raises:
        DataError: The file is missing or broken, or holds no such codes.
    """
    instances: dict[tuple[int, int], list[RLE]] = {}
    for code, mask in masks.from_values(index_masks.read_colours(path), path).items():
        red, green, blue = code & 255, code >> 8 & 255, code >> 16
        number = red // 10 * 256 + green
        if number:
            instances.setdefault((number, blue), []).append(mask)
    for (number, _), parts in sorted(instances.items()):
        yield number, masks.union(parts)
