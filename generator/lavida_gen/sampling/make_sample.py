"""From a sample number to the bytes of its fields: the loop that runs once per sample.

Letters: T frames, K names.
"""

from __future__ import annotations

import functools
from collections import Counter
from dataclasses import dataclass

from lavida_gen import __version__
from lavida_gen.common.errors import DataError, problem
from lavida_gen.config import augment
from lavida_gen.corpus.shards import EncodedSample
from lavida_gen.exposures import _candidates as candidates
from lavida_gen.sampling.sampler import Deck, Part, Step
from lavida_gen.scenes import masks
from lavida_gen.scenes.masks import RLE
from lavida_gen.scenes.sample import Draft, Rejection, SampleRecord
from lavida_gen.scenes.scene import Scene

ATTEMPTS = 500
"""Scenes tried for one sample before the recipe is called impossible."""

BROKEN = "broken file"


@dataclass(frozen=True, slots=True)
class MadeSample:
    """A packed sample and the reasons why earlier scenes were dropped for it."""

    sample: EncodedSample
    drops: Counter[str]


def make_sample(deck: Deck, index: int, digest: str, part: Part | None = None) -> MadeSample:
    """Sample `index` of the recipe, a pure function of both. `digest` is the recipe's.

    Raises DataError for a broken file (if the recipe says so), or if no scene will do.
    """
    part = part or deck.part_of(index)
    drops: Counter[str] = Counter()
    for attempt in range(ATTEMPTS):
        step = deck.step(index, attempt, part)
        try:
            made = _attempt(deck, step, part, digest)
        except DataError:
            if deck.recipe.broken == "stop":
                raise
            made = Rejection(BROKEN)
        if isinstance(made, EncodedSample):
            return MadeSample(made, drops)
        drops[f"{step.exposure_name}: {made.reason}"] += 1
    reasons = ", ".join(f"{reason} ({count})" for reason, count in drops.most_common(3))
    raise DataError(
        problem(
            f"sample {index}",
            f"{ATTEMPTS} scenes of {step.opened.name!r} in a row were dropped: {reasons}",
            "a scene that will do",
            "loosen `limits`, or take another source or exposure",
        )
    )


def _attempt(deck: Deck, step: Step, part: Part, digest: str) -> EncodedSample | Rejection:
    scene = step.scene()
    draft = step.expose(scene)
    if isinstance(draft, Rejection):
        return draft
    assert draft.exposed == step.task.exposed, f"{step.exposure_name} did not do as the task says"
    recipe, rng = deck.recipe, step.task.rng
    question, answer = recipe.prompts.draw(rng, draft.names, draft.rule)
    done = augment.apply(draft, recipe.image, recipe.augmentations, rng)
    if isinstance(done, Rejection):
        return done
    for before, after in zip((draft.masks, *draft.parts), (done.masks, *done.parts), strict=True):
        if done.exposed and candidates.too(after, recipe.limits) and not candidates.too(before, recipe.limits):
            return augment.LOST  # smaller, or less of it, than the recipe wants
    key = f"{step.index:09d}"
    record = _record(key, done, question, answer, scene, step, part, recipe.seed, digest)
    frames = tuple(frame.jpeg(recipe.image.quality) for frame in done.frames)
    return EncodedSample(key, frames, tuple(_mask_png(mask, done.frames[0].size) for mask in done.masks), record)


def _record(
    key: str, draft: Draft, question: str, answer: str, scene: Scene, step: Step, part: Part, seed: int, digest: str
) -> SampleRecord:
    height, width = draft.frames[0].size
    return {
        "key": key,
        "index": step.index,
        "kind": part.kind,
        "split": part.split,
        "frames": len(draft.frames),
        "width": width,
        "height": height,
        "fps": float(scene.fps or 0.0),
        "names": list(draft.names),
        "labels": [bool(label) for label in draft.labels],
        "question": question,
        "answer": answer,
        "rule": draft.rule,
        "exposed": draft.exposed,
        "exposure": step.exposure_name,
        "source": step.opened.name,
        "scene": scene.key,
        "group": scene.group or scene.key,
        "boxes": [_box(mask) for mask in draft.masks],
        "areas": [_share(mask) for mask in draft.masks],
        "edits": [_box(edit) for edit in draft.edits or (None,) * len(draft.frames)],
        "seed": seed,
        "recipe": digest,
        "licence": _both(scene.licence, *draft.credit[:1]),
        "attribution": _both(scene.attribution or "", *draft.credit[1:]),
        "generator": __version__,
    }


def _both(*words: str) -> str:
    """What holds for a picture into which a thing of another was set."""
    return " and ".join(dict.fromkeys(word for word in words if word))


def _box(mask: RLE | None) -> list[int]:
    return [0, 0, 0, 0] if mask is None else list(masks.box(mask))


def _share(mask: RLE | None) -> float:
    return 0.0 if mask is None else round(masks.area(mask) / (mask.height * mask.width), 6)


def _mask_png(mask: RLE | None, size: tuple[int, int]) -> bytes:
    return _empty_png(size) if mask is None else masks.to_png(mask)


@functools.lru_cache(maxsize=64)
def _empty_png(size: tuple[int, int]) -> bytes:
    return masks.to_png(masks.empty(size))
