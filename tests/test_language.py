"""The words of the project: none of our own dialect in code, messages, docs, tests, recipes and shipped pages.

Errors are reported and messages are printed (nothing is "told" or "said"), input has problems (no "faults"), code has folders
(no "rooms"), things are missing (nothing "lacks" them), and labels are fixed (not "mended"). A line that needs such a word is
listed in EXCUSED with its reason.
"""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BANNED = re.compile(
    r"\b(told|tells?(?!\(\))|said|says?|mend(s|ed|ing)?|faults?|rooms?|lack(s|ed|ing)?|whom)\b", re.IGNORECASE
)  # file.tell() is Python's
FOLDERS = ("generator", "harness", "models", "tests", "benchmarks", "training", "recipes", "docs", ".github")
SUFFIXES = (".py", ".md", ".yaml", ".yml", ".html", ".js", ".css", ".sh", ".toml", ".txt")
RECORDS = ("docs/history", "tests/gen/data")
"""Kept as they were written: experiments and changes of the past, a corpus of an older version."""
MOST_EXCUSED = 20

EXCUSED: dict[str, tuple[int, str]] = {
    "generator/lavida_gen/commands/_shared.py": (1, "a key of the JSON that verify and check print"),
    "generator/lavida_gen/data/lexicon.yaml": (1, "a category that has walls and a floor"),
    "generator/lavida_gen/data/prompts.yaml": (1, "a question of the prompt bank: bytes of corpora depend on it"),
    "generator/lavida_gen/data/rules.yaml": (2, "rules in questions: bytes of corpora depend on them"),
    "generator/lavida_gen/sources/hf.py": (2, "the licence of records: bytes of corpora depend on it"),
    "models/lavida/tiny/data/texts.txt": (1, "text that the shipped tokenizer was trained on"),
    "recipes/paper-plus.yaml": (1, "a key of a recipe, part of its digest"),
    "tests/gen/test_cli.py": (1, "the key of the JSON"),
}
"""File: number of lines with a banned word, and the reason."""


def files() -> Iterator[Path]:
    """Every text file that people read."""
    tops = [path for path in ROOT.iterdir() if path.is_file() and path.suffix in SUFFIXES]
    for path in sorted([*tops, *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))]):
        name = path.relative_to(ROOT).as_posix()
        if path.is_file() and path.suffix in SUFFIXES and not name.startswith(RECORDS) and "__pycache__" not in name:
            yield path


def test_no_banned_words() -> None:
    found: dict[str, list[str]] = defaultdict(list)
    for path in files():
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            if BANNED.search(line) and path != Path(__file__).resolve():
                found[path.relative_to(ROOT).as_posix()].append(f"{number}: {line.strip()}")
    excess = {name: lines for name, lines in found.items() if len(lines) > EXCUSED.get(name, (0, ""))[0]}
    assert excess == {}
    assert sum(len(lines) for lines in found.values()) <= MOST_EXCUSED
    assert {name: count for name, (count, _) in EXCUSED.items() if count != len(found[name])} == {}, "no longer needed"


SAME_NAME = {"Options", "Family"}
"""Names that plug-ins share by design: nested or module-level classes that the plug-in's base asks for."""


def test_class_names_have_one_meaning() -> None:
    names: Counter[str] = Counter()
    for package in ("generator", "harness", "models"):
        for path in (ROOT / package).rglob("*.py"):
            names.update(
                node.name for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ClassDef)
            )
    assert {name for name, count in names.items() if count > 1} <= SAME_NAME


def test_modules_keep_their_names() -> None:
    """No alias `room` or the like: an imported module has its own name, or one that says more."""
    pattern = re.compile(r"^\s*(?:from [\w.]+ )?import [\w.]+ as rooms?$", re.MULTILINE)
    assert [str(path) for path in files() if path.suffix == ".py" and pattern.search(path.read_text("utf-8"))] == []
