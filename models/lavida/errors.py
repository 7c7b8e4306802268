"""Faults that a user of the model can mend. Both are ValueErrors; the message says where, what was got, what to do."""


class LavidaError(ValueError):
    """A configuration, a checkpoint or a batch does not fit; the message says which part and what was expected."""


class CheckpointError(LavidaError):
    """A checkpoint's keys or sizes do not fit the model; the message names them."""


def shorten(names: list[str], most: int = 5) -> str:
    """``a, b, c and 7 more``: the first names of a long list."""
    head = ", ".join(names[:most])
    return head if len(names) <= most else f"{head} and {len(names) - most} more"
