"""docs/parity.md: its tests and options exist, and its table of sizes is what the code computes."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from plain.make import FRAME_SIZES

from lavida import presets
from lavida.config import LavidaConfig
from lavida.pixels import target_size

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "parity.md").read_text("utf-8")
CELL, FRAMES, TEMPORAL = 28, 8, 2


def rows() -> list[list[str]]:
    """The cells of all rows of the first three tables."""
    lines = PAGE[: PAGE.index("## Sizes")].splitlines()
    table = [line.strip("| ").split(" | ") for line in lines if line.startswith("| ")]
    return [row for row in table if row[0] != "what"]


def size_table() -> str:
    """One row for each benchmark, of the budgets of preset `paper`."""
    budgets = LavidaConfig.preset("paper").budgets or {}
    lines = [
        "| benchmark | frame | training | cells | tokens | scoring | cells | tokens |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, (height, width) in FRAME_SIZES.items():
        cells = [name, f"{height} x {width}"]
        for use in ("train_clip", "score_clip"):
            tall, wide = target_size(height, width, CELL, *budgets[use])
            count = tall * wide // CELL**2
            cells += [f"{tall} x {wide}", f"{count:,}", f"{count * FRAMES // TEMPORAL:,}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def test_the_page_has_the_sizes_of_today() -> None:
    table = size_table()
    assert table in PAGE, f"docs/parity.md needs this table:\n{table}"


def test_every_row_names_a_test_that_exists() -> None:
    files = (path for path in (ROOT / "tests").rglob("test_*.py"))
    known = {name for path in files for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)}
    assert len(rows()) > 40
    for row in rows():
        named = set(re.findall(r"`(test_\w+)`", row[-1]))
        assert named, row
        assert named <= known, row


def test_every_option_of_the_authors_has_a_row_with_their_value() -> None:
    options = [row[4] for row in rows() if len(row) == 6]
    for name, value in presets.AUTHORS.items():
        shown = str(value).lower() if isinstance(value, bool) else value
        assert any(f"`{name}`: `{shown}` or `" in option for option in options), name
    known = {field.name for field in fields(LavidaConfig)}
    named = {name for option in options for name in re.findall(r"`([a-z_]+)`(?!:? or)", option) if ":" not in name}
    values = {match for option in options for match in re.findall(r"(?:: | or )`([a-z_]+)`", option)}
    assert named - values <= known, named - values - known
