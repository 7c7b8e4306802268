"""The generator's bar for long work, counting frames."""

from __future__ import annotations

from functools import partial

from lavida_gen import terminal

progress = partial(terminal.progress, unit="frames")
