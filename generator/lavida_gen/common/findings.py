"""What `lavida-gen check` finds in data, by severity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from lavida_gen.common.text import counted

Severity = Literal["error", "dropped", "note"]
"""error: stops every build. dropped: costs this scene or annotation only; it stops a build too, unless the recipe has
`broken: drop`, which leaves it out and counts it. note: harmless."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something odd in a data set.

    Attributes:
        severity: What it does to a build.
        text: Where it is, what was found, what was expected.
        scenes: Number of scenes that are lost with it under `broken: drop`.
    """

    severity: Severity
    text: str
    scenes: int = 0


def under_stop(findings: Iterable[Finding]) -> Iterator[Finding]:
    """Findings as a recipe with `broken: stop` sees them: what `drop` would leave out is an error.

    Args:
        findings: Findings of a source.

    Yields:
        The same findings, none of them "dropped"; an error's text counts the scenes that `broken: drop` would lose.
    """
    for finding in findings:
        if finding.severity == "dropped":
            lost = counted(finding.scenes, "scene") if finding.scenes else "no scene"
            hint = f"`broken: drop` leaves it out and loses {lost}"
            finding = replace(finding, severity="error", text=f"{finding.text}; {hint}")
        yield finding
