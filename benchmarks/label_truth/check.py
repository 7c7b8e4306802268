"""The checks: each sample of a corpus against what the data set's own files state.

What is checked depends on the exposure:

- `relabel`, `several`, `absent`, `near_miss` change no pixel: the picture is the data set's, the mask is the union of
  everything annotated under the anomaly's names, pixel by pixel, and no other name is annotated;
- `context` changes no pixel, but its names are phrases ("car against the rules"): picture and mask as above, the names
  themselves are true or false by the rule in the question;
- `paste`, `swap`, `motion` edit pixels: mask and changes lie inside `edits`, everything else is the data set's; no name
  that `paste` lists, its anomaly included, is annotated in the scene.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image

from label_truth.annotated import ClassFacts, DataSet, Record, TrueScene
from label_truth.samples import StoredSample
from label_truth.wording import NO_NAMES, contains, normal

UNTOUCHED = frozenset(("relabel", "several", "absent", "near_miss", "context"))
PLAIN_NAMES = frozenset(("relabel", "several", "absent", "near_miss", "paste"))
"""Exposures that list names as they are, so that a name listed as false must be absent."""
MAKES = frozenset(("paste", "swap", "motion"))
SAME_PICTURE = 6.0
"""Largest mean difference in grey levels between a picture and its copy that was encoded as JPEG once more."""


@dataclass(frozen=True)
class Violation:
    """Something untrue in a sample: kind (mask, picture, present, no name, evidence, original), sample, explanation."""

    kind: str
    sample: str
    text: str


@dataclass
class Tally:
    """What was compared in a corpus, and what was found.

    Attributes:
        samples: Samples.
        scenes: Distinct scenes of them.
        masks: Masks that were compared pixel by pixel.
        absent: Names that are listed as absent and were looked up in the annotations.
        evidence: These by class of evidence.
        violations: What is untrue.
    """

    samples: int = 0
    scenes: set[str] = field(default_factory=set)
    masks: int = 0
    absent: int = 0
    evidence: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)


def check_samples(samples: Iterator[StoredSample], data_set: DataSet) -> Tally:
    """Check every sample of a corpus that was made of one data set."""
    tally = Tally()
    for sample in samples:
        record = sample.record
        scene = data_set.scene(record)
        tally.samples += 1
        tally.scenes.add(record["scene"])
        where = f"{record['scene']} #{record['index']} {record['exposure']}"
        found = [*_pixels(sample, scene, data_set, tally), *_names(record, scene, data_set, tally)]
        tally.violations += [Violation(kind, where, text) for kind, text in found]
    return tally


Found = Iterator[tuple[str, str]]


def wordings_of(record: Record) -> list[str]:
    """The data set's own wording of each listed name."""
    return [original or name for name, original in zip(record["names"], record["originals"], strict=True)]


def _pixels(sample: StoredSample, scene: TrueScene, data_set: DataSet, tally: Tally) -> Found:
    """Pictures and masks."""
    record = sample.record
    true_names = [text for text, label in zip(wordings_of(record), record["labels"], strict=True) if label]
    if record["exposure"] == "context":
        true_names = [text for name in true_names for text in _subjects(name, scene)]
    if not len(sample.masks) == len(sample.pictures) == len(scene.pictures):
        yield "picture", f"{len(sample.pictures)} pictures, {len(sample.masks)} masks; expected {len(scene.pictures)}"
        return
    for time, (data, png) in enumerate(zip(sample.pictures, sample.masks, strict=True)):
        mask = np.asarray(Image.open(io.BytesIO(png)))
        tally.masks += 1
        if mask.shape != tuple(scene.size) or not ((mask == 0) | (mask == 255)).all():
            yield "mask", f"frame {time}: {mask.shape}, values {np.unique(mask)[:4]}; expected {scene.size}, 0 and 255"
            continue
        x, y, width, height = record["edits"][time]
        outside = np.ones(scene.size, bool)
        outside[y : y + height, x : x + width] = False
        yield from _picture(data, scene, time, outside)
        if record["exposure"] in UNTOUCHED:
            expected = scene.union(true_names, time)
            wrong = int(np.count_nonzero(expected != (mask != 0)))
            if wrong:
                yield "mask", f"frame {time}: {wrong} of {mask.size} pixels differ from the annotation of {true_names}"
            yield from _outside(true_names, scene, data_set, time, expected)
            if not outside.all():
                yield "picture", f"frame {time}: pixels were edited"
        elif (mask[outside] != 0).any():
            yield "mask", f"frame {time}: reaches beyond the edited pixels"


def _picture(data: bytes, scene: TrueScene, time: int, outside: Any) -> Found:
    """Is it the data set's picture, but for edited pixels?"""
    file = scene.pictures[time]
    if data == file.read_bytes():
        return
    own, stored = (np.asarray(Image.open(source).convert("RGB")) for source in (file, io.BytesIO(data)))
    if own.shape != stored.shape:
        yield "picture", f"frame {time}: {stored.shape}; expected {own.shape}, as {file.name}"
        return
    difference = np.abs(own.astype(np.int16) - stored.astype(np.int16))[outside]
    if difference.size and difference.mean() > SAME_PICTURE:
        yield "picture", f"frame {time}: differs from {file.name} by {difference.mean():.1f} grey levels"


def _outside(names: list[str], scene: TrueScene, data_set: DataSet, time: int, union: Any) -> Found:
    """Is anything outside the mask that the data set's own lists call by the anomaly's name as well?"""
    classes = [name for name in names if name in data_set.classes]
    words = frozenset(word for name in classes for word in data_set.facts(name).words)
    for thing in scene.things:
        if not thing.category or not set(names).isdisjoint(thing.wordings):
            continue
        facts = data_set.facts(thing.category)
        plane = thing.plane(time) if words & (facts.words | facts.kinds) else None
        if plane is not None and (plane & ~union).any():
            yield "mask", f"frame {time}: {thing.category!r} is annotated outside, and is {classes} as well"


def _subjects(phrase: str, scene: TrueScene) -> list[str]:
    """The class in a phrase ("car against the rules"): the longest one of the scene whose words stand in it."""
    found = [text for thing in scene.things for text in thing.wordings if contains(normal(phrase), normal(text))]
    return sorted(found, key=len)[-1:]


def _names(record: Record, scene: TrueScene, data_set: DataSet, tally: Tally) -> Found:
    """Names, their original wordings, and the evidence that is claimed for them."""
    exposure = record["exposure"]
    there = {text for thing in scene.things for text in thing.wordings}
    rows = zip(record["names"], wordings_of(record), record["labels"], record["evidence"], strict=True)
    for name, wording, label, evidence in rows:
        if normal(name) in NO_NAMES or normal(wording) in NO_NAMES or not name.strip():
            yield "no name", f"{name!r} is listed"
        yield from _evidence(wording, label, evidence, record, scene, data_set)
        if exposure not in PLAIN_NAMES:
            continue
        if not _is_known(wording, exposure, scene, data_set):
            yield "original", f"{name!r} ({wording!r}) is no wording of the data set"
        if label and exposure != "paste":
            if wording not in there:
                yield "present", f"the anomaly {name!r} ({wording!r}) is not annotated"
            continue
        tally.absent += not label
        tally.evidence[evidence] += not label
        reason = data_set.why_present(scene, wording, name)
        if reason:
            yield "present", f"{name!r} is listed as {'foreign' if label else 'absent'}, but {reason}"


def _is_known(wording: str, exposure: str, scene: TrueScene, data_set: DataSet) -> bool:
    """Is it a wording of the data set, or for `near_miss` one with a single word replaced?"""
    if data_set.knows(wording) or wording in scene.stated_absent:
        return True
    words = wording.split()
    return exposure == "near_miss" and any(
        len(words) == len(text.split()) and sum(a != b for a, b in zip(words, text.split(), strict=True)) <= 2
        for thing in scene.things
        for text in thing.wordings
    )


def _evidence(wording: str, label: bool, evidence: str, record: Record, scene: TrueScene, data_set: DataSet) -> Found:
    """Does the annotation file justify the class of evidence?"""
    exposure = record["exposure"]
    if label:
        if evidence != ("made" if exposure in MAKES else "annotated"):
            yield "evidence", f"{wording!r} is the anomaly of {exposure}, with evidence {evidence!r}"
    elif evidence == "verified":
        if wording not in scene.stated_absent:
            yield "evidence", f"{wording!r} is 'verified', but no file states that it is absent from this scene"
    elif evidence == "exhaustive":
        closed = data_set.closed(record)
        if wording not in closed and not (exposure not in PLAIN_NAMES and _has_class(wording, closed)):
            yield "evidence", f"{wording!r} is 'exhaustive', but in no closed vocabulary of the data set"
    elif evidence == "stated":
        if not any(contains(normal(wording), normal(name)) for name in data_set.stated):
            yield "evidence", f"{wording!r} is 'stated', but the recipe does not state it"
    elif evidence != "unannotated":
        yield "evidence", f"{wording!r} is listed as absent with evidence {evidence!r}"


def _has_class(phrase: str, closed: Mapping[str, ClassFacts]) -> bool:
    return any(contains(normal(phrase), word) for facts in closed.values() for word in facts.words)
