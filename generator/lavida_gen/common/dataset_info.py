"""Facts about a public data set that people need before they use it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetInfo:
    """What every description of a data set holds: a source's as well as a benchmark's.

    Attributes:
        title: Full name.
        page: URL of its home page.
        licence: Name of its licence.
        use: What the licence permits; the subclasses list the values.
        get: How to download it.
        layout: Files and folders that are expected below its root.
        cite: BibTeX key or reference of its paper, "" if there is none.
    """

    title: str
    page: str
    licence: str
    use: str
    get: str
    layout: str
    cite: str = ""
