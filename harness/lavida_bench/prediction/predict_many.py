"""Predictions of several videos, one folder each: what is done and unchanged is left out, what breaks is told."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

from lavida_bench.common.progress import Bar
from lavida_bench.prediction.predict import FORMAT, RESULT, Prediction, Settings, predict
from lavida_bench.prediction.segments import AnomalySegment
from lavida_bench.prediction.timeline_picture import format_time
from lavida_bench.protocols.prompt_names import parse_prompt_names
from lavida_bench.scoring.scorer import Scorer
from lavida_bench.videos.media import find_videos
from lavida_bench.videos.stream import Stream
from lavida_gen.common.digests import sha256_json
from lavida_gen.common.errors import DataError, UserError, problem


@dataclass(frozen=True, slots=True)
class PredictInput:
    """Something to predict, and where to. `mark`: name and size of a file, None for a stream."""

    place: str
    out: Path
    mark: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a source."""

    source: PredictInput
    prediction: Prediction | None = None
    error: str = ""
    kept: bool = False

    def plain(self) -> dict[str, Any]:
        """For machines."""
        found = {} if self.prediction is None else asdict(self.prediction)
        return {**found, "source": self.source.place, "out": str(self.source.out), "error": self.error or None}

    def text(self) -> str:
        """For people."""
        if self.prediction is None:
            return self.error if self.error.startswith(self.source.place) else f"{self.source.place}: {self.error}"
        made = self.prediction
        head = f"{self.source.place}: {made.frames:,} frames, {made.sampled:,} looked at, {len(made.segments)} segments"
        head += " (done before)" if self.kept else f" -> {self.source.out}"
        notes = [f"  {made.broken:,} frames were damaged"] if made.broken else []
        if made.lost:
            notes.append(f"  broke off after {format_time(made.seconds, 0)} ({made.lost}); what came before is there")
        rows = [
            f"  {format_time(s.start, 0)} - {format_time(s.end, 0)}   "
            f"peak {s.peak:.2f} at {format_time(s.peak_seconds, 0)}   {s.name}"
            for s in made.segments
        ]
        return "\n".join([head, *notes, *rows])


def prompt_names(words: str) -> tuple[str, ...]:
    """Names by commas, ``generic``, or those of a file. Raises UserError."""
    names = parse_prompt_names(words, "--names").names
    if names is None:
        raise UserError(problem("--names benchmark", "this is no benchmark", "names by commas, generic, or a file"))
    return names


def find_inputs(place: str, out: Path, nested: bool) -> list[PredictInput]:
    """The videos of a folder, each in a folder of its own; else the one source. Raises UserError.

    nested  whether a single source also gets a folder of its own below `out`
    """
    path = Path(place)
    if path.is_dir():
        found = {file.relative_to(path): file for files in find_videos(path).values() for file in files}
        if not found:
            raise UserError(problem(path, "no video in it", "files such as NAME.mp4"))
        bare = [name.with_suffix("") for name in found]
        return [
            PredictInput(
                str(file), out / (name if bare.count(name.with_suffix("")) > 1 else name.with_suffix("")), _mark(file)
            )
            for name, file in sorted(found.items())
        ]
    if path.is_file():
        return [PredictInput(place, out / path.stem if nested else out, _mark(path))]
    if place != "-" and "://" not in place and not path.exists():
        raise UserError(problem(place, "no such file", "a video, a folder, an address (rtsp://...), a camera or -"))
    name = "".join(char if char.isalnum() else "-" for char in place.partition("://")[2] or place).strip("-")
    return [PredictInput(place, out / (name or "stdin") if nested else out)]


def _mark(path: Path) -> tuple[str, int]:
    return path.name, path.stat().st_size


def predict_all(
    scorer: Scorer, found: Sequence[PredictInput], names: tuple[str, ...], settings: Settings, again: bool, bar: Bar
) -> list[Outcome]:
    """Predicts each source; one that cannot be read does not keep the others from it."""
    outcomes = []
    for source in found:
        key = sha256_json([FORMAT, dict(scorer.identity), list(names), asdict(settings), source.mark])
        before = None if again or source.mark is None else finished_prediction(source.out, key)
        if before is not None:
            outcomes.append(Outcome(source, before, kept=True))
            continue
        try:
            stream = Stream(_standard_input() if source.place == "-" else source.place)
            with bar(None, Path(source.place).name) as advance:
                made = predict(scorer, stream, names, source.out, settings, {"key": key}, advance)
            outcomes.append(Outcome(source, made))
        except DataError as error:
            outcomes.append(Outcome(source, error=str(error)))
            continue
        if made.stopped and not stream.live:
            raise KeyboardInterrupt
    return outcomes


def _standard_input() -> BinaryIO:
    return sys.stdin.buffer


def finished_prediction(out: Path, key: str) -> Prediction | None:
    """An earlier prediction of the same file by the same model with the same words, None if there is none."""
    try:
        plain = json.loads((out / RESULT).read_text("utf-8"))
        if plain["key"] != key or plain["stopped"]:
            return None
        rows = [AnomalySegment(**row) for row in plain["segments"]]
        names = ("source", "frames", "sampled", "seconds", "fps", "every", "broken", "stopped", "lost")
        return Prediction(**{name: plain[name] for name in names}, segments=rows)
    except (OSError, ValueError, KeyError, TypeError):
        return None
