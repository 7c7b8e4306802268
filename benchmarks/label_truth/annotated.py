"""What a data set's own files state: things with masks in a scene, classes with synonyms and kinds.

Every reader below is written from the description of the format, with pycocotools, PIL and numpy alone. Letters: T
frames (1 for an image), H W pixels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from label_truth.wording import contains, normal, wordings

Plane = NDArray[np.bool_]
Record = Mapping[str, Any]


@dataclass(frozen=True)
class ClassFacts:
    """What the files state about a class: normalised synonyms, and what it is a kind of (supercategory, hypernyms)."""

    words: frozenset[str]
    kinds: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Thing:
    """Something annotated: the data set's own wordings (class first, then expressions), and its mask in frame t."""

    wordings: tuple[str, ...]
    category: str
    plane: Callable[[int], Plane | None]


@dataclass(frozen=True)
class TrueScene:
    """A scene as the files describe it: (H, W), T picture files, things, and wordings that they state as absent.

    `data_set` is the one that it belongs to, in a mixture of several.
    """

    size: tuple[int, int]
    pictures: tuple[Path, ...]
    things: tuple[Thing, ...]
    stated_absent: frozenset[str] = frozenset()
    data_set: DataSet | None = None

    def union(self, wordings: Sequence[str], time: int) -> Plane:
        """All pixels of all things that have one of these wordings, (H, W)."""
        total = np.zeros(self.size, bool)
        for thing in self.things:
            if not set(wordings).isdisjoint(thing.wordings):
                plane = thing.plane(time)
                if plane is not None:
                    total |= plane
        return total


@dataclass
class DataSet(ABC):
    """A data set's own files.

    Attributes:
        classes: Each class by the data set's own wording.
        expressions: Each expression by the data set's own wording, with the classes of the things it was written for.
        complete: Whether every scene is annotated completely with all classes.
        stated: Names that the recipe states to be in no scene; no file can prove them.
        total: Number of scenes that the files hold.
        general_kinds: Whether what a class is a kind of holds beyond the data set (hypernyms, not supercategories).
    """

    classes: dict[str, ClassFacts] = field(default_factory=dict)
    expressions: dict[str, set[str]] = field(default_factory=dict)
    complete: bool = False
    stated: frozenset[str] = frozenset()
    total: int = 0
    general_kinds: bool = False
    _scenes: dict[str, TrueScene] = field(default_factory=dict)

    def scene(self, record: Record) -> TrueScene:
        """The scene of a sample's record; read once."""
        key = f"{record['scene']} {record['seconds']}"
        if key not in self._scenes:
            self._scenes[key] = self.read(record)
        return self._scenes[key]

    @abstractmethod
    def read(self, record: Record) -> TrueScene:
        """Read the scene that a sample's record names."""

    def closed(self, record: Record) -> Mapping[str, ClassFacts]:
        """The classes that a sample's scene is annotated with completely."""
        return self.classes if self.complete else {}

    def facts(self, wording: str) -> ClassFacts:
        """Of a class; of any other wording its own words."""
        return self.classes.get(wording) or ClassFacts(wordings([wording]))

    def knows(self, wording: str) -> bool:
        """Whether the files, or the recipe, hold this wording."""
        return wording in self.classes or wording in self.expressions or wording in self.stated

    def why_present(self, scene: TrueScene, wording: str, text: str) -> str:
        """Why a name that is listed as absent is annotated in the scene after all, "" if it is not.

        Args:
            scene: The scene.
            wording: The data set's own wording of the name.
            text: The name as the prompt lists it.
        """
        own = self.facts(wording)
        words = own.words | {normal(text)}
        named_classes = self.expressions.get(wording, set()) if wording not in self.classes else {wording}
        for thing in scene.things:
            reason = self._clash(words, own.kinds, named_classes, thing)
            if reason:
                return reason
        return ""

    def _clash(self, words: frozenset[str], kinds: frozenset[str], named_classes: set[str], thing: Thing) -> str:
        for annotated in thing.wordings:
            if normal(annotated) in words:
                return f"{annotated!r} is annotated"
        if not thing.category:
            inside = [text for text in thing.wordings for word in words if contains(normal(text), word)]
            return f"its words are in {inside[0]!r}, which is annotated" if inside else ""
        there = self.facts(thing.category)
        if words & there.words:
            return f"a synonym, {thing.category!r}, is annotated"
        if words & there.kinds:
            return f"{thing.category!r} is annotated, which is a kind of it"
        if kinds & there.words:
            return f"it is a kind of {thing.category!r}, which is annotated"
        if thing.category in named_classes:
            return f"it describes a thing of class {thing.category!r}, which is annotated"
        return ""


class Mixture(DataSet):
    """Several data sets in one corpus, each of whose prompts may list names of the others.

    What one data set puts under a supercategory ("bridge" under "building") holds for its own scenes; of names from
    elsewhere synonyms count, and hypernyms, which are no matter of one data set.
    """

    def __init__(self, parts: Sequence[tuple[str, DataSet]]) -> None:
        """Join classes and expressions.

        Args:
            parts: First part of the scenes' keys, and the data set; several may share it.
        """
        super().__init__(total=sum(part.total for _, part in parts))
        self._parts = parts
        self._owners: dict[str, DataSet] = {}
        for _, part in parts:
            for name in part.classes:
                self.classes[name] = self.facts(name)
            for text, classes in part.expressions.items():
                self.expressions[text] = self.expressions.get(text, set()) | classes
            self.stated |= part.stated

    def read(self, record: Record) -> TrueScene:
        """By the data set that holds it. Raises KeyError."""
        for prefix, part in self._parts:
            if record["scene"].startswith(prefix):
                with suppress(KeyError, FileNotFoundError, StopIteration):
                    scene = part.scene(record)
                    self._owners[record["scene"]] = part
                    return replace(scene, data_set=part)
        raise KeyError(record["scene"])

    def closed(self, record: Record) -> Mapping[str, ClassFacts]:
        """Those of the scene's own data set."""
        self.scene(record)
        return self._owners[record["scene"]].closed(record)

    def why_present(self, scene: TrueScene, wording: str, text: str) -> str:
        """By the rules of the scene's own data set, then by those that hold anywhere."""
        assert scene.data_set is not None, "scenes of a mixture are read by it"
        return scene.data_set.why_present(scene, wording, text) or super().why_present(scene, wording, text)

    def facts(self, wording: str) -> ClassFacts:
        """By all data sets that know it."""
        knowing = [part for _, part in self._parts if part.knows(wording)]
        words = (part.facts(wording).words for part in knowing)
        kinds = (part.facts(wording).kinds for part in knowing if part.general_kinds)
        return ClassFacts(wordings([wording]).union(*words), frozenset[str]().union(*kinds))

    def knows(self, wording: str) -> bool:
        """Whether any of the data sets does."""
        return any(part.knows(wording) for _, part in self._parts)
