"""The table of docs/reliability.md, between two comments of the page."""

from __future__ import annotations

import datetime
import os
from collections import Counter
from pathlib import Path
from typing import Any

from lavida_gen import __version__

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
START, END = "<!-- fuzz: begin -->", "<!-- fuzz: end -->"
GOOD = ("success", "error")


def print_problems(rows: list[dict[str, Any]]) -> None:
    """Print each bad case with the command that repeats it, and the counts."""
    for row in sorted(rows, key=lambda row: (row["end"], row["area"], row["seed"])):
        if row["end"] not in GOOD:
            last = [line for line in row["detail"].splitlines() if line.strip()][-1:] or [""]
            print(f'{row["end"]:9} --case "{row["area"]}:{row["seed"]}"  {row["mutation"][:110]!r}  {last[0][:150]!r}')
    counts = Counter(row["end"] for row in rows if row["seed"])
    print(f"{sum(counts.values())} cases: {', '.join(f'{count} {end}' for end, count in counts.most_common())}")


def table(rows: list[dict[str, Any]]) -> str:
    """The table as Markdown: a row per area."""
    lines = [
        "| area | cases | success | clear error | bad | slowest, s | most memory, MiB |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    rows = [row for row in rows if row["seed"]]
    for name in dict.fromkeys(row["area"] for row in sorted(rows, key=lambda row: row["area"])):
        lines.append(_line(name, [row for row in rows if row["area"] == name]))
    lines.append(_line("**all**", rows))
    bad = [row for row in rows if row["end"] not in GOOD]
    lines += [
        "",
        f"{len(rows):,} cases, {datetime.date.today()}, version {__version__}, {os.cpu_count()} cores, seconds while other programs ran.",
    ]
    lines += [
        "",
        "Open: "
        + ("none." if not bad else ", ".join(f"`{row['area']}:{row['seed']}` ({row['end']})" for row in bad) + "."),
    ]
    return "\n".join(lines)


def _line(name: str, rows: list[dict[str, Any]]) -> str:
    ends = Counter(row["end"] for row in rows)
    bad = len(rows) - ends["success"] - ends["error"]
    slowest, most = max(row["seconds"] for row in rows), max(row["mebibytes"] for row in rows)
    return (
        f"| {name} | {len(rows):,} | {ends['success']:,} | {ends['error']:,} | {bad:,} | {slowest:.1f} | {most:,.0f} |"
    )


def write_table(rows: list[dict[str, Any]]) -> None:
    """Put the table into the page."""
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(START)
    PAGE.write_text(f"{before}{START}\n\n{table(rows)}\n\n{END}{rest.partition(END)[2]}", "utf-8")
