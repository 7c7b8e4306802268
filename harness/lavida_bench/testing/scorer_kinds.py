"""The contract of a kind of scorer, checked with a tiny model of random weights."""

from __future__ import annotations

import inspect

import numpy as np

from lavida_bench.scorers._base import RANDOM, LoadSettings, ScorerKind
from lavida_bench.scoring.scorer import ClipScores, Marked, Scorer, method_name
from lavida_bench.testing.scorers import CLIP_LENGTH, check_scorer, scores_of
from lavida_gen.testing.expect import expect

NAMES = ("a fight", "a fire", "a bicycle")


def check_scorer_kind(
    cls: type[ScorerKind], model: str | None = RANDOM, size: tuple[int, int] = (96, 128), tolerance: float = 1e-3
) -> Scorer:
    """Check everything that scoring relies on in a kind of scorer.

    Args:
        cls: Its class.
        model: The model to load; None for a kind without one.
        size: (H, W) of the clips, in pixels.
        tolerance: How much logits may depend on what else is in the batch, absolutely and relatively.

    Returns:
        The scorer that was checked.

    Raises:
        AssertionError: The kind breaks its contract.
    """
    about = cls.about
    expect(about.title.strip(), "about.title is empty")
    definition = inspect.getdoc(inspect.getmodule(cls)) or ""
    expect("score" in definition, "the docstring of the module does not define the score")
    expect("frames" in about.outputs, "about.outputs has no frames")
    expect(not about.models or bool(about.families), "about.models without about.families")
    kind = cls(cls.Options())
    scorer = kind.open(model, LoadSettings(precision="fp32", device="cpu"))
    expect(scorer.identity.get("scorer") == kind.name or kind.name == "lavida", "identity does not name the scorer")
    if model == RANDOM:
        expect("random weights" in method_name(scorer), f"{scorer.name!r} does not show that its weights are random")
        expect(isinstance(scorer, Marked) and "random" in scorer.notice, "no notice about its random weights")
    again = kind.open(model, LoadSettings(precision="fp32", device="cpu"))
    expect(dict(again.identity) == dict(scorer.identity), "loaded again, it has another identity")
    check_scorer(scorer, size, tolerance)
    rng = np.random.default_rng(1)
    clips = [rng.integers(0, 256, (CLIP_LENGTH, *size, 3), dtype=np.uint8)]
    scores = scores_of(scorer, clips, NAMES)
    _check_outputs(about.outputs, scores)
    turned = scores_of(scorer, clips, NAMES[::-1])
    if not about.names_in_order:
        expect(close(turned.frames, scores.frames, tolerance), "the order of the names changes the scores")
        if scores.names is not None and turned.names is not None:
            expect(
                close(turned.names[:, ::-1], scores.names, tolerance), "the order of the names changes a name's logit"
            )
    if not about.reads_names:
        other = scores_of(scorer, clips, ("a dog",))
        expect(close(other.frames, scores.frames, tolerance), "other names change scores, although they are not read")
    return scorer


def _check_outputs(outputs: tuple[str, ...], scores: ClipScores) -> None:
    for output in ("maps", "regions", "names"):
        has = getattr(scores, output) is not None
        expect(
            has == (output in outputs), f"about.outputs: {output} is {'missing' if has else 'given, but not scored'}"
        )
    for found in scores.regions or ():
        expect(found.boxes.shape == (len(found.scores), 4), f"boxes {found.boxes.shape} of {len(found.scores)} scores")
        inside = bool((found.boxes >= 0).all() and (found.boxes <= 1).all())
        expect(inside and np.isfinite(found.scores).all(), "a box beyond 0..1, or a score that is not finite")


def close(one: np.ndarray, other: np.ndarray, tolerance: float) -> bool:
    """Whether two arrays agree, absolutely and relatively."""
    return np.allclose(one, other, rtol=tolerance, atol=tolerance)
