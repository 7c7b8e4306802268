"""What can go wrong because of a user's words or a user's data.

Two families, by exit code. Everything else that is raised is our own mistake and shows as a traceback.
"""


class LavidaGenError(ValueError):
    """A fault that a user can mend. The message says where, what was expected, what was got, what to do."""

    exit_code = 1


class UserError(LavidaGenError):
    """The user's words are off (a recipe, an option, an argument): exit code 2."""

    exit_code = 2


class DataError(LavidaGenError):
    """The data or the run failed (a broken file, a full disk): exit code 1."""

    exit_code = 1


def problem(where: object, got: str, expected: str = "", todo: str = "") -> str:
    """One line in the house style: ``where: got; expected ...; do this``."""
    parts = [got]
    if expected:
        parts.append(f"expected {expected}")
    if todo:
        parts.append(todo)
    return f"{where}: " + "; ".join(parts)


def did_you_mean(word: str, known: list[str] | tuple[str, ...]) -> str:
    """``did you mean 'split'?`` or an empty string; `word` as the user wrote it."""
    import difflib

    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else ""
