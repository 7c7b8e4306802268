"""From a sample number to the bytes of its fields: the loop that runs once per sample."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from lavida_gen import __version__
from lavida_gen.common.errors import DataError, problem
from lavida_gen.common.text import map_texts, without_controls
from lavida_gen.config import augment
from lavida_gen.corpus.shards import EncodedSample
from lavida_gen.exposures._base import Limits
from lavida_gen.exposures._candidates import NOTHING, check_limits
from lavida_gen.exposures._negatives import NO_ABSENT_NAME
from lavida_gen.sampling.evidence import sample_evidence, sample_seconds, sample_use
from lavida_gen.sampling.parts import CorpusPart
from lavida_gen.sampling.planner import SamplePlanner, SampleSpec
from lavida_gen.scenes import masks
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.sample import Draft, Rejection, SampleRecord
from lavida_gen.scenes.scene import Scene

ATTEMPTS = 500
"""Scenes tried for one sample before the recipe is called impossible."""
BATCH = 32
"""Samples whose names are chosen before the first of them is encoded."""

BROKEN = "broken file"
WEAK = Rejection("a listed name without the evidence asked for")


@dataclass(frozen=True, slots=True)
class MadeSample:
    """An encoded sample.

    Attributes:
        sample: The encoded sample.
        drops: Reasons why scenes were rejected before one served, with their counts; "EXPOSURE: REASON".
        broken: Keys of the scenes among them that cannot be read.
    """

    sample: EncodedSample
    drops: Counter[str]
    broken: frozenset[str] = frozenset()


def make_sample(planner: SamplePlanner, index: int, digest: str, part: CorpusPart | None = None) -> MadeSample:
    """Make sample `index` of a recipe: a pure function of both.

    Args:
        planner: The recipe with its data open.
        index: Number of the sample.
        digest: Digest of the recipe, for the sample's record.
        part: The part that the sample belongs to, if the caller knows it.

    Returns:
        The encoded sample, and why scenes were rejected before.

    Raises:
        DataError: A file is broken (if the recipe has `broken: stop`), or no scene serves.
        UserError: The corpus has no such sample.
    """
    return _SampleInMaking(planner, index, digest, part or planner.part_of(index)).encoded()


def make_samples(planner: SamplePlanner, indices: Iterable[int], digest: str, part: CorpusPart) -> Iterator[MadeSample]:
    """Make several samples, each as `make_sample` does: first the names of up to BATCH samples, then their bytes.

    Choosing names touches small things everywhere, encoding touches megabytes in a row: in turns, each drives the other
    out of the processor's cache.

    Args:
        planner: The recipe with its data open.
        indices: Numbers of the samples.
        digest: Digest of the recipe.
        part: The part that they belong to.

    Yields:
        The samples, in order.

    Raises:
        DataError: A file is broken (if the recipe has `broken: stop`), or no scene serves.
    """
    waiting: list[_SampleInMaking] = []
    for index in indices:
        sample = _SampleInMaking(planner, index, digest, part)
        waiting.append(sample)
        if len(waiting) == BATCH or sample.holds_pixels:
            yield from (sample.encoded() for sample in waiting)
            waiting = []
    yield from (sample.encoded() for sample in waiting)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A sample before its pictures are encoded.

    Attributes:
        draft: What the exposure made of the scene, augmented.
        record: Its record.
        is_scene: Whether the frames are the scene's own: none is decoded yet.
    """

    draft: Draft
    record: SampleRecord
    is_scene: bool


StepT = TypeVar("StepT", _Plan, EncodedSample)


class _SampleInMaking:
    """The attempts at one sample: scenes are drawn until one serves and its files can be read."""

    def __init__(self, planner: SamplePlanner, index: int, digest: str, part: CorpusPart) -> None:
        """Choose scene and names. Raises what `make_sample` raises."""
        self._planner, self._index, self._digest, self._part = planner, index, digest, part
        self._drops: Counter[str] = Counter()
        self._broken: set[str] = set()
        self._retry = 0
        self._plan = self._next_plan()

    @property
    def holds_pixels(self) -> bool:
        """Whether decoded frames may wait to be encoded, which take much memory."""
        return not self._plan.is_scene

    def encoded(self) -> MadeSample:
        """Encode the sample. Raises what `make_sample` raises."""
        while True:
            sample = self._try(lambda: _encode(self._plan, self._planner.recipe.image.quality))
            if sample is not None:
                return MadeSample(sample, self._drops, frozenset(self._broken))
            self._plan = self._next_plan()

    def _next_plan(self) -> _Plan:
        while self._retry < ATTEMPTS:
            self._spec = self._planner.spec(self._index, self._retry, self._part)
            plan = self._try(lambda: _make_plan(self._planner, self._spec, self._digest))
            if plan is not None:
                return plan
        reasons = ", ".join(f"{reason} ({count})" for reason, count in self._drops.most_common(3))
        raise DataError(
            problem(
                f"sample {self._index}",
                f"{ATTEMPTS} attempts in a row with scenes of {self._spec.opened.name!r} failed: {reasons}",
                "a scene that an exposure can use",
                _cure(self._drops),
            )
        )

    def _try(self, step: Callable[[], StepT | Rejection]) -> StepT | None:
        """Run a step of the current attempt. Returns None after counting why it failed."""
        spec = self._spec
        try:
            made = step()
        except DataError:
            if self._planner.recipe.broken == "stop":
                raise
            self._broken.add(spec.opened.source.key(spec.number))
            made = Rejection(BROKEN)
        except Exception as error:  # a mistake in a plug-in: its traceback does not name the sample
            where = f"source {spec.opened.name}, exposure {spec.exposure_name}"
            error.add_note(f"while making sample {self._index}: {where}")
            raise
        if not isinstance(made, Rejection):
            return made
        self._drops[f"{spec.exposure_name}: {made.reason}"] += 1
        self._retry += 1
        return None


def _cure(drops: Counter[str]) -> str:
    """What to do if no scene serves."""
    if any(reason.endswith(NO_ABSENT_NAME.reason) for reason in drops):
        return "give the source `absent_names: [...]` (names that are in none of its scenes) or `other_names: true`"
    if all(reason.endswith(NOTHING.reason) for reason in drops):  # no limit has to do with it
        return (
            "look whether its annotations have masks, and what `background` leaves; or use another source or exposure"
        )
    return "loosen `limits`, or use another source or exposure"


def _make_plan(planner: SamplePlanner, spec: SampleSpec, digest: str) -> _Plan | Rejection:
    recipe, scene = planner.recipe, spec.scene()
    draft = spec.expose(scene)
    if isinstance(draft, Rejection):
        return draft
    assert draft.exposed == spec.task.exposed, f"{spec.exposure_name} ignored `task.exposed`"
    rng = spec.task.rng
    question, answer = recipe.prompts.draw(rng, draft.names, draft.rule)
    augmented = augment.apply(draft, recipe.image, recipe.augmentations, rng)
    if isinstance(augmented, Rejection):
        return augmented
    if augmented is not draft and augmented.exposed and _lost_an_anomaly(draft, augmented, recipe.limits):
        return augment.LOST
    record = _record(augmented, spec, scene, (question, answer), planner, digest)
    if not draft.subjects and not _evidence_suffices(record, spec):
        return WEAK
    return _Plan(augmented, record, augmented.frames is scene.frames)


def _encode(plan: _Plan, quality: int) -> EncodedSample:
    frames = tuple(frame.jpeg(quality) for frame in plan.draft.frames)
    mask_pngs = tuple(_mask_png(mask, plan.draft.frames[0].size) for mask in plan.draft.masks)
    return EncodedSample(plan.record["key"], frames, mask_pngs, plan.record)


def _evidence_suffices(record: SampleRecord, spec: SampleSpec) -> bool:
    """Does every name that is listed as absent have the evidence asked for? Exposures of other packages may not ask."""
    minimum = spec.opened.absence.minimum
    if minimum == "unannotated":
        return True
    rows = zip(record["names"], record["labels"], record["evidence"], strict=True)
    return all(label or kind == minimum or spec.opened.absence.suffices(text, kind) for text, label, kind in rows)


def _lost_an_anomaly(before: Draft, after: Draft, limits: Limits) -> bool:
    """Does the augmented sample break a limit that the sample kept, as a whole or for one of several anomalies?"""
    pairs = zip((before.masks, *before.parts), (after.masks, *after.parts), strict=True)
    return any(check_limits(new, limits) and not check_limits(old, limits) for old, new in pairs)


def _record(
    draft: Draft, spec: SampleSpec, scene: Scene, conversation: tuple[str, str], planner: SamplePlanner, digest: str
) -> SampleRecord:
    height, width = draft.frames[0].size
    question, answer = conversation
    opened = spec.opened
    record: SampleRecord = {
        "key": f"{spec.index:09d}",
        "index": spec.index,
        "kind": opened.source.kind,
        "split": spec.split,
        "frames": len(draft.frames),
        "width": width,
        "height": height,
        "fps": float(scene.fps or 0.0),
        "seconds": sample_seconds(scene),
        "names": list(draft.names),
        "labels": [bool(label) for label in draft.labels],
        "evidence": sample_evidence(draft, scene, spec.exposure, opened.absence),
        "originals": _originals(draft, spec, planner),
        "question": question,
        "answer": answer,
        "rule": draft.rule,
        "exposed": draft.exposed,
        "exposure": spec.exposure_name,
        "source": opened.name,
        "scene": scene.key,
        "group": scene.group or scene.key,
        "boxes": [_box(mask) for mask in draft.masks],
        "areas": [_area_share(mask) for mask in draft.masks],
        "edits": [_box(edit) for edit in draft.edits or (None,) * len(draft.frames)],
        "seed": planner.recipe.seed,
        "recipe": digest,
        "licence": _joined(scene.licence, *draft.credit[:1]),
        "attribution": _joined(scene.attribution or "", *draft.credit[1:2]),
        "use": sample_use(draft, opened.use, planner.uses),
        "generator": __version__,
    }
    texts = "".join([*record["names"], *record["originals"], *(v for v in record.values() if isinstance(v, str))])
    return record if without_controls(texts) == texts else map_texts(record, without_controls)


def _originals(draft: Draft, spec: SampleSpec, planner: SamplePlanner) -> list[str]:
    """The data set's own wording of each name that was made readable, "" for the others."""
    own = spec.opened.names
    subjects = draft.subjects or draft.names
    return [(own if text in own.categories else planner).originals.get(text, "") for text in subjects]


def _joined(*texts: str) -> str:
    """Licences or attributions of a picture and of what was pasted into it."""
    return " and ".join(dict.fromkeys(text for text in texts if text))


def _box(mask: RLE | None) -> list[int]:
    return [0, 0, 0, 0] if mask is None else list(masks.box(mask))


def _area_share(mask: RLE | None) -> float:
    return 0.0 if mask is None else round(masks.area(mask) / (mask.height * mask.width), 6)


def _mask_png(mask: RLE | None, size: tuple[int, int]) -> bytes:
    return _empty_png(size) if mask is None else masks.to_png(mask)


@functools.lru_cache(maxsize=64)
def _empty_png(size: tuple[int, int]) -> bytes:
    return masks.to_png(masks.empty(size))
