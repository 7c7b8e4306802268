"""Facts about this project that stand in its output."""

from __future__ import annotations

PROJECT_URL = "https://github.com/lavida-gen/lavida-gen"
"""Home page; the same as in pyproject.toml."""
