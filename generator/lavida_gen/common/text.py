"""Numbers in words that people read."""

from __future__ import annotations


def counted(number: int, what: str, many: str = "") -> str:
    """``1 fault``, ``2 faults``, ``1,000 entries``; `many` where an s does not make the plural."""
    return f"{number:,} {what if number == 1 else many or f'{what}s'}"
