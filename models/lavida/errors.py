"""Errors that a user of the model can fix; the message states where, what was found, what to do.

This package imports nothing of `lavida_gen`, so that a saved model opens without it. LavidaError is therefore a class
of its own beside `lavida_gen.common.errors.DataError`; `lavida-bench` handles both alike (exit code 1).
"""


class LavidaError(ValueError):
    """A configuration, a checkpoint or a batch does not fit; the message names the part and what was expected."""


class CheckpointError(LavidaError):
    """A checkpoint's keys or sizes do not fit the model; the message names them."""


def shorten(names: list[str], limit: int = 5) -> str:
    """The first names of a list, by commas: ``a, b, c and 7 more``.

    Args:
        names: All names.
        limit: How many of them are written out.
    """
    head = ", ".join(names[:limit])
    return head if len(names) <= limit else f"{head} and {len(names) - limit} more"
