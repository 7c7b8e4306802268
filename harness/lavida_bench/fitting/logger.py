"""What a fit tells while it runs: lines on the console, log.jsonl, TensorBoard; going on continues all three."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lavida_gen.common.atomic_file import write_atomic, write_error

LOG = "log.jsonl"
BOARD = "tensorboard"


class TrainingLogger:
    """The main process' records of a run; the other processes keep none. Raises DataError when the disk is full.

    step is the step from which the run goes on: what an earlier run said after it is taken back.
    """

    def __init__(self, out: Path, step: int, steps: int, say: Callable[[str], None]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.steps, self.say = steps, say
        self._began, self._first = time.monotonic(), step
        _cut(out / LOG, step)
        self._file = open(out / LOG, "a", encoding="utf-8", buffering=1)  # noqa: SIM115  # closed by close()
        self._board = SummaryWriter(str(out / BOARD), purge_step=step + 1)

    def training(self, step: int, losses: Mapping[str, float], more: Mapping[str, Any]) -> None:
        """A step's losses; `more` has lr (by group), norm, samples_per_second, rounds (by pool), damaged."""
        self._write({"step": step, **losses, **more})
        self._scalars("train", step, {**losses, **more})
        left = (time.monotonic() - self._began) / max(1, step - self._first) * (self.steps - step)
        parts = "  ".join(f"{name} {value:.4f}" for name, value in losses.items())
        rate = f"{more['samples_per_second']:.1f} samples/s"
        self.say(f"step {step}/{self.steps}  {parts}  {rate}  {_clock(left)} left")

    def validation(self, step: int, values: Mapping[str, float], best: bool) -> None:
        """What the validation shards say."""
        self._write({"step": step, "validation": dict(values), "best": best})
        self._scalars("validation", step, values)
        parts = "  ".join(f"{name} {value:.4f}" for name, value in values.items())
        self.say(f"step {step}/{self.steps}  validation: {parts}{'  (best)' if best else ''}")

    def note(self, step: int, text: str) -> None:
        """A sentence: a damaged sample, a checkpoint."""
        self._write({"step": step, "note": text})
        self.say(text)

    def close(self) -> None:
        """Everything is on disk; what a full disk did not take was told when it was written."""
        for one in (self._file, self._board):
            with suppress(OSError):
                one.close()

    def _write(self, line: Mapping[str, Any]) -> None:
        try:
            self._file.write(json.dumps(_finite(line), ensure_ascii=False, allow_nan=False) + "\n")
        except OSError as error:
            resume = "run the same command again: the last checkpoint is kept"
            raise write_error(self._file.name, error, resume) from error

    def _scalars(self, room: str, step: int, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if isinstance(value, Mapping):
                self._scalars(f"{room}/{name}", step, value)
            else:
                self._board.add_scalar(f"{room}/{name}", value, step)


def _finite(value: Any) -> Any:
    """The same with null for what JSON has no number for: the norm of a step that fp16 leaves out is infinite."""
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_log(path: Path) -> list[dict[str, Any]]:
    """The lines of a log.jsonl; a last line that was cut off by a kill is left out."""
    lines = []
    for line in path.read_text("utf-8").splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    return lines


def _cut(path: Path, step: int) -> None:
    """Take back what was said after `step`."""
    if path.is_file():
        kept = [line for line in read_log(path) if line["step"] <= step]
        write_atomic(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept).encode())


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
