"""Mutations of texts: values of JSON and YAML, cells of tables, encodings, depth."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from fuzz_bytes import Mutation

STAND_IN = "@@fuzz@@"
DEPTH = 100_000
VALUES = (
    "null", "true", "false", "0", "-1", "1", "2.5", "1e999", "-1e999", "NaN", "Infinity", "1" + "0" * 30, "9" * 5000, "2147483648",
    "9223372036854775807", "-9223372036854775809", '""', '" "', '"x"', "[]", "{}", "[null]", '[""]', "[[]]", '{"": null}', '"NaN"',
    '"../../../outside.txt"', '"/etc/hostname"', '"/dev/zero"', '"a/../../b"', '"\\u001b[31mred\\u0007"', '"\\u0000"', '"\\ud800"',
    '"a\\nb"', '"\\u202eabc"', '"${HOME}"', '"http://127.0.0.1:9/x"', '"hf://datasets/a/b"', '"file:///etc/hostname"', "[1, 2, 3]",
    '[[1e308, -1e308, 1, 2, 3, 4]]', '{"counts": "0000", "size": [99999, 99999]}', "[100000, 100000]", '"1"', "1e-320", "-0.0",
    '"' + "a" * 200_000 + '"', "[" * DEPTH + "]" * DEPTH, '{"a":' * 3000 + "1" + "}" * 3000, "[" + "0," * 300_000 + "0]",
)  # fmt: skip
"""What stands in the place of a value: JSON, which is YAML too."""
NUMBERS = (
    "",
    "-1",
    "nan",
    "inf",
    "1e999",
    "99999999999999999999",
    "x",
    "0",
    "1.5",
    "2147483648",
    "१",
    "--",
    "0x10",
    "1_0",
    "9" * 5000,
)
LINES = (
    "",
    "\x1b[2Jx",
    "a" * 200_000,
    "\x00",
    ",,,,,,,",
    '"',
    "\ufeff",
    "-",
    "#",
    "\u2028",
    "../../outside.txt",
    "%",
    "\t",
    "null",
)
ENCODINGS = ("utf-16", "utf-16-le", "latin-1", "utf-8-sig", "cp037", "utf-32")
SUFFIXES = (".json", ".yaml", ".yml")


def _nodes(plain: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all values below the top."""
    items = plain.items() if isinstance(plain, dict) else enumerate(plain) if isinstance(plain, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from _nodes(value, (*path, key))


def _read(path: Path) -> Any:
    """The plain content, None if it is none (any more)."""
    try:
        text = path.read_text("utf-8")
        return json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError, RecursionError):
        return None


def _parent(plain: Any, nodes: list[tuple[Any, ...]], rng: np.random.Generator) -> tuple[Any, Any]:
    """A container and a key of it: of a depth that is drawn first, so that the many values far down do not crowd out the few above."""
    depths = sorted({len(node) for node in nodes})
    depth = int(rng.choice(depths))
    level = [node for node in nodes if len(node) == depth]
    *above, key = level[int(rng.integers(len(level)))]
    for part in above:
        plain = plain[part]
    return plain, key


def value(path: Path, rng: np.random.Generator) -> str:
    """Another value for one key, or for the whole."""
    plain, new = _read(path), VALUES[int(rng.integers(len(VALUES)))]
    nodes = list(_nodes(plain))
    if not nodes or rng.random() < 0.04:
        path.write_text(new)
        return f"whole content is {new[:40]}"
    container, key = _parent(plain, nodes, rng)
    container[key] = STAND_IN
    path.write_text(json.dumps(plain, default=str).replace(f'"{STAND_IN}"', new))
    return f"{key!r} is {new[:40]}"


def without_key(path: Path, rng: np.random.Generator) -> str:
    """A key or an element is missing."""
    plain = _read(path)
    nodes = list(_nodes(plain))
    if not nodes:
        return value(path, rng)
    container, key = _parent(plain, nodes, rng)
    del container[key]
    path.write_text(json.dumps(plain, default=str))
    return f"without {key!r}"


def twice(path: Path, rng: np.random.Generator) -> str:
    """A key gets another name, or an element of a list stands there twice."""
    plain = _read(path)
    nodes = list(_nodes(plain))
    if not nodes:
        return value(path, rng)
    container, key = _parent(plain, nodes, rng)
    if isinstance(container, list):
        container.append(container[key])
        done = f"element {key} twice"
    else:
        new = str(
            rng.choice(
                ["", "\x1b[31m", "x" * 70_000, f"{key}s", str(key).upper(), "__class__", "../x", "1e999", "\ud800"]
            )
        )
        container[new] = container.pop(key)
        done = f"key {key!r} is called {new[:20]!r}"
    path.write_text(json.dumps(plain, default=str))
    return done


def swapped(path: Path, rng: np.random.Generator) -> str:
    """Two values change places."""
    plain = _read(path)
    nodes = list(_nodes(plain))
    if len(nodes) < 2:
        return value(path, rng)
    one, key = _parent(plain, nodes, rng)
    other, place = _parent(plain, nodes, rng)
    text = json.dumps(one[key], default=str)
    if isinstance(other[place], dict | list):  # a container would hold itself
        one[key] = json.loads(json.dumps(other[place], default=str))
    else:
        one[key], other[place] = other[place], json.loads(text)
    path.write_text(json.dumps(plain, default=str))
    return f"{key!r} and {place!r} swapped"


def number(path: Path, rng: np.random.Generator) -> str:
    """A number of the text is another one."""
    text = path.read_text("utf-8", "surrogateescape")
    found = list(re.finditer(r"-?\d+(\.\d+)?", text))
    if not found:
        return line(path, rng)
    match = found[int(rng.integers(len(found)))]
    new = NUMBERS[int(rng.integers(len(NUMBERS)))]
    path.write_text(text[: match.start()] + new + text[match.end() :], "utf-8", "surrogateescape")
    return f"{match[0]!r} is {new[:20]!r}"


def line(path: Path, rng: np.random.Generator) -> str:
    """A line is another one, missing, or there twice."""
    lines = path.read_text("utf-8", "surrogateescape").split("\n")
    at, how = int(rng.integers(len(lines))), int(rng.integers(3))
    new = LINES[int(rng.integers(len(LINES)))]
    lines[at : at + 1] = ([new], [], [lines[at], lines[at]])[how]
    path.write_text("\n".join(lines), "utf-8", "surrogateescape")
    return f"line {at + 1} {(repr(new[:20]), 'missing', 'twice')[how]}"


def encoding(path: Path, rng: np.random.Generator) -> str:
    """Another encoding; letters that it does not have become others."""
    name = str(rng.choice(ENCODINGS))
    text = path.read_text("utf-8", "replace")
    path.write_bytes(("ä" + text if name == "latin-1" and rng.random() < 0.5 else text).encode(name, "replace"))
    return f"in {name}"


def control(path: Path, rng: np.random.Generator) -> str:
    """A control character somewhere."""
    text = path.read_text("utf-8", "surrogateescape")
    at = int(rng.integers(len(text) + 1))
    new = str(rng.choice(["\x00", "\x1b[31m", "\x07", "\r", "\x7f", "\u009b31m", "\u2028", "\u202e", "\ufeff"]))
    path.write_text(text[:at] + new + text[at:], "utf-8", "surrogateescape")
    return f"{new!r} put in at {at}"


def yaml_trick(path: Path, rng: np.random.Generator) -> str:
    """What YAML has beyond JSON: aliases, tags, merge keys, several documents, dates, keys that are lists."""
    bomb = "a: &a [x, x]\n" + "".join(
        f"{b}: &{b} [*{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}, *{a}]\n"
        for a, b in zip("abcdefghijk", "bcdefghijkl", strict=True)
    )
    tricks = {
        "bomb": bomb, "tag": "!!python/object/apply:os.system [touch outside.txt]\n", "own": "a: &a [*a]\n", "two": "---\n{}\n---\n[]\n",
        "merge": "<<: [1, 2]\n", "date": "seed: 2020-01-01\n", "list key": "? [1, 2]\n: 3\n", "binary": "seed: !!binary aGVsbG8=\n",
        "set": "seed: !!set {a, b}\n", "deep": "x: " + "[" * 50_000 + "\n", "float key": "1.5: 2\n", "null key": "~: 2\n", "tab": "\tseed: 1\n",
        "sexagesimal": "seed: 190:20:30\n", "date zero": "seed: 0000-00-00\n", "octal": "seed: 0o9\n", "int": f"seed: {'9' * 9000}\n",
    }  # fmt: skip
    name = str(rng.choice(sorted(tricks)))
    text = path.read_text("utf-8", "surrogateescape")
    path.write_text(
        tricks[name] + text if rng.random() < 0.5 else text + "\n" + tricks[name], "utf-8", "surrogateescape"
    )
    return f"YAML: {name}"


PLAIN: tuple[Mutation, ...] = (value, value, value, value, without_key, without_key, twice, swapped)
YAML: tuple[Mutation, ...] = (*PLAIN, yaml_trick, yaml_trick, encoding, control, line, number)
TEXT: tuple[Mutation, ...] = (number, number, number, line, line, encoding, control)
JSON: tuple[Mutation, ...] = (*PLAIN, encoding, control)
