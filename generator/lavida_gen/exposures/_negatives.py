"""Negatives: names of nothing in the scene, which fill a prompt.

They are drawn from three distributions, so that a prompt without its picture shows as little as possible whether there
is an anomaly:

- names that the data set itself annotates as absent: up to a quarter of the prompt;
- names of anomalies of other scenes, as often as those use them: half of the prompt, where the anomaly's own name
  takes one of these places. If negatives were drawn uniformly, the anomaly's name would give it away: "person" would be
  listed when it is the anomaly and hardly ever otherwise, since few scenes are without people;
- any name of the data set, so that every one is listed now and then.

Exposures with a phrasing of their own (`paste`, `swap`, `motion`, `context` name things by category, not by an
expression) draw from the last two, in the same phrasing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

from lavida_gen.exposures._base import ExposureTask
from lavida_gen.names.vocabulary import pick_absent, present_names, verified_absent
from lavida_gen.scenes.sample import Rejection
from lavida_gen.scenes.scene import Name, Scene

NO_ABSENT_NAME = Rejection("no name that is absent")
Phrasing = Callable[[Name], str]
"""How an exposure phrases a name; "" for names that it does not use."""


def by_category(name: Name) -> str:
    """Phrase a name by the category of its thing, if that is known.

    Args:
        name: A name.

    Returns:
        The category, else the text of the name.
    """
    return name.category or name.text


def draw_negatives(
    task: ExposureTask,
    scene: Scene,
    prompt_names: Sequence[str],
    wanted: int,
    anomalies: int = 0,
    phrasing: Phrasing | None = None,
) -> list[str]:
    """Draw names that conflict with nothing in the scene.

    Args:
        task: The exposure's task, for its rng and vocabulary.
        scene: The scene.
        prompt_names: Names that the prompt lists already.
        wanted: How many names to draw.
        anomalies: How many of `prompt_names` are anomalies (or take the place of one).
        phrasing: How to phrase the names; as the data set does if None.

    Returns:
        Up to `wanted` names.
    """
    present, total = present_names(scene), anomalies + wanted
    found = verified_absent(task.rng, scene, prompt_names, min(wanted, total // 4)) if phrasing is None else []
    from_prior = min(wanted - len(found), (total + 1) // 2 - anomalies)
    prior = task.name_prior(task.rng)
    if phrasing is not None:
        prior = _phrased(prior, phrasing)
    prior = _with_evidence(prior, scene, task)
    found += pick_absent(prior, present, [*prompt_names, *found], from_prior)
    remaining = wanted - len(found)
    uniform = task.vocabulary.shuffled(task.rng, remaining)
    if phrasing is not None:
        uniform = _phrased(uniform, phrasing)
    found += pick_absent(uniform, present, [*prompt_names, *found], remaining)
    if phrasing is None and len(found) < wanted:  # a source whose other names nobody has checked
        found += verified_absent(task.rng, scene, [*prompt_names, *found], wanted - len(found))
    return found


def _with_evidence(names: Iterable[Name], scene: Scene, task: ExposureTask) -> Iterator[Name]:
    """Names that may be listed as absent: in general, or because the data set states them for this scene."""
    stated = cache(lambda: frozenset(scene.absent()))  # read when it is first needed
    return filter(lambda name: task.accepts(name) or name.text in stated(), names)


def _phrased(names: Iterable[Name], phrasing: Phrasing) -> Iterator[Name]:
    for name in names:
        text = phrasing(name)
        if text:
            yield name if text == name.text else Name(text, name.category, synset=name.synset)


def draw_prompt_size(task: ExposureTask) -> int:
    """Draw how many names the prompt lists, with or without an anomaly.

    The paper (LAVIDA, arXiv 2602.19248) draws from 2 on if there is an anomaly, so that a prompt of one name never has
    one.

    Args:
        task: The exposure's task.

    Returns:
        1 to `task.max_names`, all equally likely.
    """
    return int(task.rng.integers(1, task.max_names + 1))
