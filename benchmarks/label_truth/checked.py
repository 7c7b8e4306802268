"""Judged pairs by source, as the generator keeps them for its cards."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from label_truth.pairs import Pair, rate


def write(old: str, pairs: Sequence[Pair], sources: Collection[str]) -> str:
    """The new text of data/checked_pairs.yaml.

    Only pairs of corpora of one data set count, for prompts of the others list foreign names; and only sources whose own
    name begins the keys of their scenes: what `folder` and `coco_json` read are one user's data, named by the recipe.

    Args:
        old: Its text so far; the comment at its head is kept.
        pairs: Judged pairs.
        sources: Names of the sources that there are.

    Returns:
        The comment, and a line for each source.

    Raises:
        ValueError: A verdict is missing, or is none.
    """
    own: dict[str, list[Pair]] = {}
    for pair in pairs:
        name = pair.scene.partition("/")[0]
        if name in sources and ": " not in pair.source:
            own.setdefault(name, []).append(pair)
    rates = {name: rate(own[name]) for name in sorted(own)}
    head = [line for line in old.splitlines() if line.startswith("#")]
    rows = [f"{name}: {{pairs: {found.pairs}, wrong: {found.wrong}}}" for name, found in rates.items()]
    return "\n".join([*head, *(rows or ["{}"])]) + "\n"
