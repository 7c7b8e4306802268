"""The one door to the terminal. Texts of strangers cannot move its cursor there, and URLs show no secrets.

Names of files, categories, errors of servers: much of what is printed was written by somebody else. Nothing else in the
three packages prints (tests/test_layers.py).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sys

import click

from lavida_gen.common.text import CONTROL, map_texts, printable, without_secrets


def echo(text: object = "", err: bool = False, colour: str | None = None) -> None:
    """Print a text and a line break.

    Args:
        text: Any text.
        err: To standard error.
        colour: Its colour on a terminal, unless the variable NO_COLOR is set (no-color.org).
    """
    plain = printable(without_secrets(text))
    click.echo(plain if colour is None or os.environ.get("NO_COLOR") else click.style(plain, fg=colour), err=err)


def terminal_width() -> int | None:
    """Columns of the terminal that standard output goes to, or the variable COLUMNS; None in a file or pipe."""
    if os.environ.get("COLUMNS", "").isdecimal() or sys.stdout.isatty():
        return max(40, shutil.get_terminal_size().columns)
    return None


def echo_json(plain: object) -> None:
    """Print JSON in one line, with control characters escaped (backslash, u, four digits), so that none is lost.

    Args:
        plain: Plain data.
    """
    text = json.dumps(map_texts(plain, without_secrets), ensure_ascii=False)
    click.echo(CONTROL.sub(lambda char: f"\\u{ord(char[0]):04x}", text))


def bar_title(text: str) -> str:
    """A title of a progress bar, in which square brackets are no markup.

    Args:
        text: Any text.
    """
    return re.sub(r"(\\*)(\[[a-z#/@][^[]*?])", r"\1\1\\\2", printable(without_secrets(text)).replace("\n", " "))
