"""The contract of an exposure, checked on drawn scenes or on those of any source."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lavida_gen.exposures._base import Exposure, ExposureTask, Limits
from lavida_gen.names.vocabulary import Vocabulary
from lavida_gen.scenes import masks
from lavida_gen.scenes.sample import Draft, Rejection
from lavida_gen.scenes.scene import Kind, Scene
from lavida_gen.sources._base import Source
from lavida_gen.sources.street import StreetSource
from lavida_gen.testing.expect import check_options, expect

SCENES = 30
"""Scenes that are tried."""
DRAFTS = 6
"""Samples of each kind of scene that are looked at."""
MAX_NAMES = 6
"""Names that a prompt may list."""


def check_exposure(
    cls: type[Exposure], options: Mapping[str, object] | None = None, source: Source | None = None
) -> None:
    """Check everything that a build relies on in an exposure.

    Args:
        cls: The class of the exposure.
        options: Its options.
        source: Where scenes come from; None = drawn street scenes, images and clips of 4 frames, those of `cls.kinds`.

    Raises:
        AssertionError: The exposure breaks its contract, or makes nothing of 30 scenes.
    """
    check_options(cls.Options)
    expect(cls.outcomes and cls.outcomes <= {True, False}, f"outcomes is {cls.outcomes}; expected True, False, or both")
    expect(cls.kinds and cls.kinds <= {"image", "clip"}, f"kinds is {cls.kinds}; expected image, clip, or both")
    exposure = cls(cls.Options.model_validate(dict(options or {})))
    kinds: list[Kind] = sorted(cls.kinds) if source is None else [source.kind]
    for kind in kinds:
        check_drafts(exposure, street(kind) if source is None else source)


def street(kind: Kind) -> Source:
    """Thirty drawn scenes, small ones."""
    return StreetSource(StreetSource.Options(kind=kind, size=(96, 128), scenes=SCENES, frames=4))


def check_drafts(exposure: Exposure, source: Source) -> None:
    """Drafts follow the task, depend on scene and rng alone, and change no pixel outside their edits."""
    vocabulary = Vocabulary(source.vocabulary())
    made = 0
    for number in range(min(SCENES, len(source))):
        if made >= DRAFTS:
            break
        for exposed in sorted(exposure.outcomes):
            where = f"scene {number} of {source.kind}s, exposed={exposed}"
            first = exposure.expose(source.scene(number), _task(source, vocabulary, exposed, number))
            again = exposure.expose(source.scene(number), _task(source, vocabulary, exposed, number))
            if isinstance(first, Rejection):
                expect(first == again, f"{where}: another outcome for the same scene and rng")
                expect(3 < len(first.reason) < 60, f"{where}: reason {first.reason!r}; expected 4 to 59 letters")
                continue
            made += 1
            if not isinstance(again, Draft):
                raise AssertionError(f"{where}: another outcome for the same scene and rng")
            check_draft(first, again, exposed, source.scene(number), where)
    expect(made, f"{type(exposure).__name__} made nothing of {min(SCENES, len(source))} {source.kind}s")


def _task(source: Source, vocabulary: Vocabulary, exposed: bool, number: int) -> ExposureTask:
    return ExposureTask(
        exposed=exposed,
        rng=np.random.default_rng((number, 7)),
        vocabulary=vocabulary,
        max_names=MAX_NAMES,
        limits=Limits(),
        other_scene=lambda rng: source.scene(int(rng.integers(len(source)))),
    )


def check_draft(draft: Draft, again: Draft, exposed: bool, scene: Scene, where: str) -> None:
    """Check one draft, and that it equals the one made a second time.

    Args:
        draft: What the exposure made of the scene.
        again: What it made of the same scene with an equal rng.
        exposed: What the task asked for.
        scene: The scene.
        where: Begins messages.
    """
    expect(draft.exposed == exposed, f"{where}: the draft's exposed is {draft.exposed}")
    facts = [(one.names, one.labels, one.masks, one.edits, one.rule) for one in (draft, again)]
    expect(facts[0] == facts[1], f"{where}: another draft for the same scene and rng")
    expect(1 <= len(draft.names) <= MAX_NAMES, f"{where}: {len(draft.names)} names; task.max_names is {MAX_NAMES}")
    expect(len(draft.frames) == len(scene.frames), f"{where}: {len(draft.frames)} frames of {len(scene.frames)}")
    size = draft.frames[0].size
    expect(all(mask is None or mask.size == size for mask in draft.masks), f"{where}: a mask of another size")
    edits = draft.edits or (None,) * len(draft.frames)
    for now, then, edit in zip(draft.frames, scene.frames, edits, strict=True):
        if edit is None:
            same = now is then or np.array_equal(now.pixels(), then.pixels())
            expect(same, f"{where}: pixels have changed in a frame without edits")
        else:
            kept = ~masks.decode(edit)
            same = np.array_equal(now.pixels()[kept], then.pixels()[kept])
            expect(same, f"{where}: pixels have changed outside the edits")
