"""Which anomaly names a prompt lists: part of every result, since a zero-shot score depends on them.

``benchmark`` the video's own (its classes), ``generic`` one neutral list of ours, a file with one name a line, or names
by commas.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from lavida_bench.videos.types import TestVideo
from lavida_gen.common.errors import DataError, UserError, problem
from lavida_gen.common.resources import resource

Kind = Literal["benchmark", "generic", "file", "given"]
GENERIC = resource("generic_names.txt", "lavida_bench")
MOST = 500  # names of one prompt
LISTS = ("benchmark", "generic")
LIKE = 0.88  # so like one of LISTS must a word be to be taken for a slip: "benchmrak" is one, "bench" is a name
EXPECTED = "benchmark, generic, names by commas, or a file with one name a line"


@dataclass(frozen=True, slots=True)
class PromptNames:
    """The names of all prompts of a run.

    kind   where they come from; "given" = in a recipe or on the command line
    names  K names in the order of the prompt; None = each video's own
    """

    kind: Kind
    names: tuple[str, ...] | None = None

    def of(self, video: TestVideo) -> tuple[str, ...]:
        """The names for one video. Raises DataError if it has none of its own."""
        names = video.names if self.names is None else self.names
        if not names:
            todo = "give some: --names generic, or --names FILE"
            raise DataError(problem(video.key, "the benchmark names no anomaly", "at least one for the prompt", todo))
        return names

    def plain(self, videos: Sequence[TestVideo]) -> dict[str, Any]:
        """For results: the kind and the list, None where the videos differ in it."""
        lists = dict.fromkeys(self.of(video) for video in videos)
        return {"kind": self.kind, "list": list(next(iter(lists))) if len(lists) == 1 else None}


def choose(word: str, where: str = "names") -> PromptNames:
    """``benchmark``, ``generic``, the path of a file, or names by commas. Raises UserError."""
    if word == "benchmark":
        return PromptNames("benchmark")
    if word == "generic":
        return PromptNames("generic", read(GENERIC))
    path = os.path.expanduser(word)
    if "," not in word and os.path.isfile(path):  # not Path.is_file, which raises for a long word
        return PromptNames("file", read(Path(path)))
    if like := difflib.get_close_matches(word, LISTS, 1, LIKE):
        raise UserError(problem(f"{where} {word!r}", "no such list", EXPECTED, f"did you mean {like[0]!r}?"))
    return by_commas(word, where)


def by_commas(words: str, where: str) -> PromptNames:
    """Names as people type them. Raises UserError, also for one that looks like a file which is not there."""
    found = given(words.split(","), where)
    if lost := next((name for name in found.names or () if name.endswith(".txt") or "/" in name), None):
        raise UserError(problem(f"{where} {lost!r}", "no such file", EXPECTED))
    return found


def given(names: Sequence[str], where: str = "names") -> PromptNames:
    """A list as somebody wrote it. Raises UserError for an empty one, for doubles and for too many."""
    clean = tuple(" ".join(name.split()) for name in names)
    if not clean or not all(clean):
        raise UserError(problem(where, "an empty name" if clean else "no name", "at least one, none of them empty"))
    if twice := next((name for name in clean if clean.count(name) > 1), None):
        raise UserError(problem(where, f"{twice!r} comes twice", "each name once"))
    if len(clean) > MOST:
        raise UserError(problem(where, f"{len(clean)} names", f"at most {MOST}"))
    return PromptNames("given", clean)


def read(path: Path) -> tuple[str, ...]:
    """Names of a file: one a line, blank lines and lines that begin with # left out. Raises UserError."""
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(problem(path, f"cannot be read ({error})", "a text file, one name a line")) from error
    names = given([line for line in map(str.strip, lines) if line and not line.startswith("#")], str(path)).names
    assert names is not None, "given"
    return names
