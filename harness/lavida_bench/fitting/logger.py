"""The training logger: lines on the console, log.jsonl, TensorBoard; a continued fit continues all three."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from lavida_gen.common.atomic_file import write_atomic, write_error
from lavida_gen.common.errors import DataError
from lavida_gen.common.input_file import MAX_JSON, read_input
from lavida_gen.common.json_file import JsonObject, check_json_object, parse_json
from lavida_gen.common.text import printable, without_secrets

LOG = "log.jsonl"
BOARD = "tensorboard"


@dataclass(frozen=True, slots=True)
class StepInfo:
    """What the log has on a step beside its losses; the fields are the keys of log.jsonl.

    Attributes:
        lr: Learning rate of this step, by group of parameters.
        norm: Norm of the gradient before clipping.
        samples_per_second: Of all processes, since the last line.
        rounds: Epochs done, by dataset.
        damaged: Damaged samples left out so far.
        damaged_shards: Damaged shards left out from the beginning.
    """

    lr: dict[str, float]
    norm: float
    samples_per_second: float
    rounds: dict[str, float]
    damaged: int
    damaged_shards: int


class TrainingLogger:
    """Logs a fit; only the main process has one. All methods raise DataError when the disk is full.

    Args:
        out: Run folder.
        step: Step that the fit continues from; later lines of an earlier run are removed.
        steps: Steps of the whole fit.
        log: Takes each line of the console output.
    """

    def __init__(self, out: Path, step: int, steps: int, log: Callable[[str], None]) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.steps, self.log = steps, log
        self._began, self._first_step = time.monotonic(), step
        _remove_later_lines(out / LOG, step)
        self._file = open(out / LOG, "a", encoding="utf-8", buffering=1)  # noqa: SIM115  # closed by close()
        self._board = SummaryWriter(str(out / BOARD), purge_step=step + 1)

    def training(self, step: int, losses: Mapping[str, float], info: StepInfo) -> None:
        """Log a training step.

        Args:
            step: Its number, from 1.
            losses: Losses over all processes, by name.
            info: Everything else.
        """
        values = {**losses, **asdict(info)}
        self._write({"step": step, **values})
        self._add_scalars("train", step, values)
        left = (time.monotonic() - self._began) / max(1, step - self._first_step) * (self.steps - step)
        rate = f"{info.samples_per_second:.1f} samples/s"
        self.log(f"step {step}/{self.steps}  {_format(losses)}  {rate}  {_format_time(left)} left")

    def validation(self, step: int, values: Mapping[str, float], best: bool) -> None:
        """Log a validation.

        Args:
            step: Step after which it was done.
            values: Losses and metrics by name.
            best: Whether these weights are the best so far.
        """
        self._write({"step": step, "validation": dict(values), "best": best})
        self._add_scalars("validation", step, values)
        self.log(f"step {step}/{self.steps}  validation: {_format(values)}{'  (best)' if best else ''}")

    def note(self, step: int, text: str) -> None:
        """Log a message, e.g. on a damaged sample.

        Args:
            step: The present step.
            text: The message.
        """
        text = printable(without_secrets(text))
        self._write({"step": step, "note": text})
        self.log(text)

    def close(self) -> None:
        """Close the files. A full disk was reported when the lines were written."""
        for file in (self._file, self._board):
            with suppress(OSError):
                file.close()

    def _write(self, line: Mapping[str, object]) -> None:
        try:
            self._file.write(json.dumps(_without_infinities(line), ensure_ascii=False, allow_nan=False) + "\n")
        except OSError as error:
            resume = "run the same command again: the last checkpoint is kept"
            raise write_error(self._file.name, error, resume) from error

    def _add_scalars(self, prefix: str, step: int, values: Mapping[str, object]) -> None:
        for name, value in values.items():
            if isinstance(value, Mapping):
                self._add_scalars(f"{prefix}/{name}", step, value)
            else:
                self._board.add_scalar(f"{prefix}/{name}", value, step)


def _format(values: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4f}" for name, value in values.items())


def _without_infinities(value: object) -> object:
    """The value with null for numbers that JSON does not have: the norm of a step that fp16 skips is infinite."""
    if isinstance(value, Mapping):
        return {key: _without_infinities(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read_log(path: Path) -> list[JsonObject]:
    """Read a log.jsonl up to the first line that is none: a kill cuts off the last one.

    Args:
        path: The file.

    Raises:
        DataError: The file cannot be read.

    Returns:
        Its lines. Lines of training steps have the key `loss`, others `validation` or `note`.
    """
    lines: list[JsonObject] = []
    for text in read_input(path, MAX_JSON).splitlines():
        try:
            line = check_json_object(parse_json(text, path), path, keys=("step",))
        except DataError:
            break
        if type(line["step"]) is not int:
            break
        lines.append(line)
    return lines


def _remove_later_lines(path: Path, step: int) -> None:
    if path.is_file():
        kept = [line for line in read_log(path) if line["step"] <= step]
        write_atomic(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in kept).encode())


def _format_time(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"
