"""The audit of names as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from lavida_gen.common.console import terminal_width
from lavida_gen.common.text import counted, printable, shorten, text_table
from lavida_gen.inspection.audit import NameRow, SourceAudit

HEAD = ("name", "scenes", "role", "absence", "conflicts with")
PAIRS = 5
CONFLICTS = 3


def audit_lines(audit: SourceAudit, limit: int) -> Iterator[str]:
    """The names of a source.

    Args:
        audit: The source.
        limit: How many names to list, at most.

    Yields:
        Lines: a title, a table, the number of doubtful pairs and the first of them.
    """
    looked = "" if audit.counted == audit.scenes else f", {audit.counted:,} of them counted"
    names = counted(len(audit.rows) + audit.unlisted, "name")
    some = f"; conflicts of the {audit.compared} most frequent" if audit.compared is not None else ""
    yield f"{audit.where}: {counted(audit.scenes, 'scene')}{looked}, {names}{some}"
    if limit and audit.rows:
        table = text_table([_cells(row) for row in audit.rows[:limit]], HEAD, terminal_width())
        yield from (f"  {line}" for line in table.splitlines())
        hidden = len(audit.rows) - limit + audit.unlisted
        if hidden > 0:
            yield f"  ... and {counted(hidden, 'more name', 'more names')}: --report FILE or --json"
    if audit.pairs:
        some = shorten([f"{one} / {two} ({reason})" for one, two, reason in audit.pairs], PAIRS)
        yield f"  doubtful, to be read by a person: {printable(some)}"


def _cells(row: NameRow) -> tuple[str, ...]:
    name = f"{row.text} [{row.original}]" if row.original else row.text
    scenes = f"{row.scenes:,}" if row.is_exact else f"~{row.scenes:,}"
    absence = row.absence if row.is_listed or not row.absence else f"{row.absence}, never listed"
    conflicts = shorten([other for other, _ in row.conflicts], CONFLICTS)
    return printable(name), scenes, row.role, absence, printable(conflicts)
