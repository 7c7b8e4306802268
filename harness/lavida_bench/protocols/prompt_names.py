"""Which anomaly names a prompt lists: part of every result, since a zero-shot score depends on them.

``benchmark`` = each video's own names (the benchmark's classes), ``generic`` = one neutral list for all benchmarks, the
path of a file with one name a line, or names separated by commas.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypedDict

from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError, UserError, problem
from lavida_gen.common.input_file import read_text
from lavida_gen.common.resources import resource
from lavida_gen.common.text import control_character

NamesKind = Literal["benchmark", "generic", "file", "given"]
GENERIC = resource("generic_names.txt", "lavida_bench")
MAX_NAMES = 500  # names of one prompt
LIST_NAMES = ("benchmark", "generic")
TYPO_CUTOFF = 0.88  # similarity from which a text counts as a misspelt list name: "benchmrak" does, "bench" is a name
EXPECTED = "benchmark, generic, names by commas, or a file with one name a line"


class NamesRecord(TypedDict):
    """The prompt names of a run as results record them; `list` is None where the videos differ."""

    kind: NamesKind
    list: list[str] | None


@dataclass(frozen=True, slots=True)
class PromptNames:
    """The names in all prompts of a run.

    Attributes:
        kind: Where they come from; "given" = written in a recipe or on the command line.
        names: K names in the order of the prompt; None = each video's own.
    """

    kind: NamesKind
    names: tuple[str, ...] | None = None

    def for_video(self, video: TestVideo) -> tuple[str, ...]:
        """The names in the prompt for one video.

        Args:
            video: A test video.

        Returns:
            K names in the order of the prompt, at least one.

        Raises:
            DataError: The names are the video's own and it has none.
        """
        names = video.names if self.names is None else self.names
        if not names:
            todo = "give some: --names generic, or --names FILE"
            raise DataError(problem(video.key, "the benchmark names no anomaly", "at least one for the prompt", todo))
        return names

    def record(self, videos: Sequence[TestVideo]) -> NamesRecord:
        """The names as results record them.

        Args:
            videos: The videos that are scored.

        Returns:
            The kind and the list, None where the videos' lists differ.

        Raises:
            DataError: A video has no names.
        """
        lists = list(dict.fromkeys(self.for_video(video) for video in videos))
        return {"kind": self.kind, "list": list(lists[0]) if len(lists) == 1 else None}


def parse_prompt_names(text: str, where: str = "names") -> PromptNames:
    """Read the value of option ``names``.

    Args:
        text: ``benchmark``, ``generic``, the path of a file, or names separated by commas.
        where: The option, for messages.

    Returns:
        The names.

    Raises:
        UserError: A misspelt list name, no such file, an unreadable file, or names that prompt_names_from_list refuses.
    """
    if text == "benchmark":
        return PromptNames("benchmark")
    if text == "generic":
        return PromptNames("generic", read_names_file(GENERIC))
    path = os.path.expanduser(text)
    if "," not in text and os.path.isfile(path):  # not Path.is_file, which raises for a long text
        return PromptNames("file", read_names_file(Path(path)))
    close = difflib.get_close_matches(text, LIST_NAMES, 1, TYPO_CUTOFF)
    if close:
        raise UserError(problem(f"{where} {text!r}", "no such list", EXPECTED, f"did you mean {close[0]!r}?"))
    return prompt_names_from_text(text, where)


def prompt_names_from_text(text: str, where: str) -> PromptNames:
    """Read names as people type them.

    Args:
        text: Names separated by commas.
        where: The option, for messages.

    Returns:
        The names.

    Raises:
        UserError: A name looks like a file, which does not exist; or prompt_names_from_list refuses the names.
    """
    chosen = prompt_names_from_list(text.split(","), where)
    for name in chosen.names or ():
        if name.endswith(".txt") or "/" in name:
            raise UserError(problem(f"{where} {name!r}", "no such file", EXPECTED))
    return chosen


def prompt_names_from_list(names: Sequence[str], where: str = "names") -> PromptNames:
    """Check a list of names and normalise its blanks.

    Args:
        names: K names in the order of the prompt.
        where: The option, for messages.

    Returns:
        The names.

    Raises:
        UserError: There is no name, an empty one, one that occurs twice or holds control characters, or more than
            MAX_NAMES.
    """
    clean = tuple(" ".join(name.split()) for name in names)
    if not clean or not all(clean):
        raise UserError(problem(where, "an empty name" if clean else "no name", "at least one, none of them empty"))
    if problems := next((text for name in clean if (text := control_character(name, where))), ""):
        raise UserError(problems)
    for name in clean:
        if clean.count(name) > 1:
            raise UserError(problem(where, f"{name!r} appears twice", "each name once"))
    if len(clean) > MAX_NAMES:
        raise UserError(problem(where, f"{len(clean)} names", f"at most {MAX_NAMES}"))
    return PromptNames("given", clean)


def read_names_file(path: Path) -> tuple[str, ...]:
    """Read names from a file, one a line; blank lines and lines that begin with # are ignored.

    Args:
        path: A UTF-8 text file.

    Returns:
        The names in the order of the file.

    Raises:
        UserError: The file cannot be read, or prompt_names_from_list refuses the names.
    """
    try:
        text = read_text(path, expected="a text file, one name a line")
    except DataError as error:
        raise UserError(str(error)) from error
    lines = [line.strip() for line in text.splitlines()]
    names = prompt_names_from_list([line for line in lines if line and not line.startswith("#")], str(path)).names
    assert names is not None, "a list of names"
    return names
