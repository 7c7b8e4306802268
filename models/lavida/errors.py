"""Errors that a user of the model can fix. Both are ValueErrors; the message has place, value, expected and advice."""

from __future__ import annotations

from collections.abc import Sequence


class LavidaError(ValueError):
    """A configuration, a checkpoint or a batch is invalid; the message names the part and what was expected."""


class CheckpointError(LavidaError):
    """A checkpoint's keys or sizes differ from the model's; the message names them."""


def shorten(names: Sequence[str], most: int = 5) -> str:
    """List the first names of a long list: ``a, b, c and 7 more``.

    Args:
        names: The whole list.
        most: How many are shown.
    """
    head = ", ".join(names[:most])
    return head if len(names) <= most else f"{head} and {len(names) - most} more"
