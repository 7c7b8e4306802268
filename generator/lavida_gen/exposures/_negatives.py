"""The names of nothing in the scene that fill a prompt.

They come from three places, so that a prompt without its picture tells as little as may be whether there is an anomaly:

- what the data set itself marks as not there: up to a quarter of the prompt;
- names as anomalies of other scenes have them, as often as they have them: half of the prompt, and the anomaly's own
  name takes one of these places. Names that are drawn evenly instead give the anomaly away: "person" would be listed
  when it is the anomaly and hardly ever otherwise, since few scenes lack people;
- any name of the data set, so that every one is listed now and then.

Exposures that word their anomalies in a way of their own (`paste`, `swap`, `motion`, `context`: by what a thing is, not
by an expression) draw from the last two, worded the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from lavida_gen.exposures._base import ExposureTask
from lavida_gen.names.vocabulary import pick_absent, present, safe
from lavida_gen.scenes.scene import Name, Scene

Wording = Callable[[Name], str]
"""How an exposure calls what a name stands for; "" for what it does not name."""


def plainly(name: Name) -> str:
    """What a thing is called if nothing is said of it: by its category, where that is known."""
    return name.category or name.text


def negatives(
    task: ExposureTask,
    scene: Scene,
    listed: Sequence[str],
    wanted: int,
    anomalies: int = 0,
    worded: Wording | None = None,
) -> list[str]:
    """Up to `wanted` names that conflict with nothing in the scene, beside those `listed` in the prompt already.

    `anomalies` of the listed ones are in the scene (or stand for such a one). With `worded` all are called so.
    """
    there, total = present(scene), anomalies + wanted
    found = safe(task.rng, scene, listed, min(wanted, total // 4)) if worded is None else []
    likely = min(wanted - len(found), (total + 1) // 2 - anomalies)
    found += pick_absent(_called(task.name_prior(task.rng), worded), there, [*listed, *found], likely)
    left = wanted - len(found)
    every = _called(task.vocabulary.shuffled(task.rng, left), worded)
    return found + pick_absent(every, there, [*listed, *found], left)


def _called(names: Iterable[Name], worded: Wording | None) -> Iterator[Name]:
    for name in names:
        text = worded(name) if worded else name.text
        if text:
            yield name if text == name.text else Name(text, name.category)


def prompt_size(task: ExposureTask) -> int:
    """How many names the prompt lists: 1 to `task.max_names`, each as likely, whether there is an anomaly or not.

    (The paper draws from 2 on if there is one, so that a prompt of one name never has an anomaly.)
    """
    return int(task.rng.integers(1, task.max_names + 1))
