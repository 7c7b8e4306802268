"""The log of a large run, from which a later run of the benchmark continues: one JSON object for each step."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Facts = dict[str, Any]
"""A line of the log: `step`, and numbers by name (seconds, bytes)."""


@dataclass(frozen=True)
class Log:
    """A file of facts."""

    path: Path

    def lines(self, step: str) -> list[Facts]:
        """The lines of a step, oldest first."""
        text = self.path.read_text() if self.path.exists() else ""
        return [line for line in map(json.loads, text.splitlines()) if line["step"] == step]

    def done(self, step: str) -> Facts | None:
        """The last line of a step that ended well."""
        return next((line for line in reversed(self.lines(step)) if line["exit"] == 0), None)

    def add(self, **facts: Any) -> None:
        """Append a line."""
        with self.path.open("a") as file:
            file.write(json.dumps(facts) + "\n")
            file.flush()
            os.fsync(file.fileno())
