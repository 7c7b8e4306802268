"""How often a name that a source's prompts list as absent was found in the picture: data/checked_pairs.yaml."""

from __future__ import annotations

from functools import cache
from math import sqrt

from lavida_gen.common.resources import own_yaml, resource
from lavida_gen.corpus.manifest import CheckedPairs

_Z = 1.959964


@cache
def _table() -> dict[str, CheckedPairs]:
    plain = own_yaml(resource("checked_pairs.yaml"))
    return {name: CheckedPairs.model_validate(row) for name, row in plain.items()}


def checked_pairs(source: str) -> CheckedPairs | None:
    """The judged pairs of a source.

    Args:
        source: Name of the source.

    Returns:
        Their numbers; None if none was judged.
    """
    return _table().get(source)


def wilson(checked: CheckedPairs) -> tuple[float, float]:
    """Wilson's 95 % score interval (JASA 1927) of the share of wrong names.

    Args:
        checked: The judged pairs, at least one.

    Returns:
        Lower and upper end, 0 to 1.
    """
    share, n = checked.wrong / checked.pairs, checked.pairs
    centre = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
    half = _Z * sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n)) / (1 + _Z**2 / n)
    return max(0.0, centre - half), min(1.0, centre + half)
