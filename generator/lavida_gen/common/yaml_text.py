"""YAML that somebody else wrote: read with limits, so that nine lines cannot fill the memory or exhaust the stack."""

from __future__ import annotations

import re

import yaml

from lavida_gen.common.input_file import reason_of

MAX_LETTERS = 20_000_000
MAX_DEPTH = 60
MAX_NODES = 1_000_000
"""Values, those that `*name` repeats counted as often as they are repeated: nine lines of nine aliases each of the line
before are a billion."""

MAX_DIGITS = 300
"""Digits of a number in base 2, 8, 16 or 60 (1:59:59); Python refuses to print some that it reads."""
_NUMBER = re.compile(r"[-+]?[\d_:][\da-fx_:]*", re.ASCII | re.IGNORECASE)


class _RefusedYaml(yaml.MarkedYAMLError):
    """YAML beyond the limits, or with values that Python does not have."""


def load_yaml(text: str, loader: type[yaml.SafeLoader] = yaml.SafeLoader) -> object:
    """Parse YAML.

    Args:
        text: The text.
        loader: A safe loader.

    Returns:
        Plain data.

    Raises:
        yaml.YAMLError: It is no valid YAML, longer or deeper than the limits, or repeats too much by aliases.
    """
    try:
        return _load(text, loader)
    except yaml.YAMLError:
        raise
    except Exception as error:  # a 45th day, a tag that does not fit its value, a number of 5,000 digits, ...
        raise _RefusedYaml(problem=reason_of(error)) from error


def _load(text: str, loader: type[yaml.SafeLoader]) -> object:
    if len(text) > MAX_LETTERS:
        raise _RefusedYaml(problem=f"{len(text):,} characters; expected at most {MAX_LETTERS:,}")
    _check_structure(text, loader)
    value: object = yaml.load(text, Loader=loader)
    return value


def _check_structure(text: str, loader: type[yaml.SafeLoader]) -> None:
    """Walk over the events, which repeat nothing. Raises _RefusedYaml."""
    nodes_of_anchor: dict[str, int] = {}
    open_collections: list[tuple[str | None, int]] = [(None, 0)]  # anchor, nodes so far
    for event in yaml.parse(text, Loader=loader):
        if isinstance(event, yaml.CollectionStartEvent):
            open_collections.append((event.anchor, 1))
            if len(open_collections) > MAX_DEPTH + 1:
                raise _RefusedYaml(problem=f"nested {len(open_collections) - 1} deep; expected at most {MAX_DEPTH}")
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, nodes = open_collections.pop()
        elif isinstance(event, yaml.AliasEvent):
            anchor, nodes = None, nodes_of_anchor.get(event.anchor or "", 1)
        elif isinstance(event, yaml.ScalarEvent):
            may_be_number = event.implicit[0] or event.tag is not None  # not in quotes
            if len(event.value) > MAX_DIGITS and may_be_number and _NUMBER.fullmatch(event.value):
                raise _RefusedYaml(problem=f"a number of {len(event.value):,} digits")
            anchor, nodes = event.anchor, 1
        else:
            continue
        if anchor is not None:
            nodes_of_anchor[anchor] = nodes
        outer, total = open_collections.pop()
        if total + nodes > MAX_NODES:
            raise _RefusedYaml(problem=f"more than {MAX_NODES:,} values, with those that aliases (*name) repeat")
        open_collections.append((outer, total + nodes))
