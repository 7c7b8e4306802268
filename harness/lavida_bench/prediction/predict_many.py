"""Predictions of several videos, one folder each. What is done and unchanged is skipped; errors are collected."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from lavida_bench.common.progress import Bar
from lavida_bench.common.stop_signals import StopSignals
from lavida_bench.prediction.predict import predict
from lavida_bench.prediction.prediction import FORMAT, RESULT, Prediction, PredictionSettings
from lavida_bench.prediction.segments import AnomalySegment
from lavida_bench.prediction.timeline_picture import format_time
from lavida_bench.protocols.prompt_names import parse_prompt_names
from lavida_bench.scoring.scorer import Scorer
from lavida_bench.videos.media import find_videos
from lavida_bench.videos.stream import Stream
from lavida_gen.common.digests import sha256_json
from lavida_gen.common.errors import DataError, UserError, problem
from lavida_gen.common.json_file import read_json_object
from lavida_gen.common.text import without_secrets


@dataclass(frozen=True, slots=True)
class PredictInput:
    """A source to predict.

    Attributes:
        place: Its path or address, "-" for standard input.
        out: The folder to write to.
        file: Name and size in bytes of a file, None for a stream.
    """

    place: str
    out: Path
    file: tuple[str, int] | None = None

    @property
    def shown(self) -> str:
        """The place as it is printed and stored: an address without user, password and query."""
        return without_secrets(self.place)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome for one source.

    Attributes:
        source: The source.
        prediction: Its prediction, None after an error.
        error: The error, "" if there is none.
        kept: Whether an earlier prediction was kept.
        printed: Whether its segments were reported while they came.
    """

    source: PredictInput
    prediction: Prediction | None = None
    error: str = ""
    kept: bool = False
    printed: bool = False

    def plain(self) -> dict[str, object]:
        """The outcome as plain JSON."""
        prediction = {} if self.prediction is None else asdict(self.prediction)
        return {**prediction, "source": self.source.shown, "out": str(self.source.out), "error": self.error or None}

    def text(self) -> str:
        """The outcome as lines for a terminal."""
        place, made = self.source.shown, self.prediction
        if made is None:
            return self.error if self.error.startswith(place) else f"{place}: {self.error}"
        head = f"{place}: {made.frames:,} frames, {made.sampled:,} scored, {len(made.segments)} segments"
        lines = [f"{head} (done before)" if self.kept else f"{head} -> {self.source.out}"]
        if made.broken:
            lines.append(f"  {made.broken:,} frames were damaged")
        if made.lost:
            lines.append(f"  broke off after {format_time(made.seconds, 0)} ({made.lost}); what came before is kept")
        lines += [] if self.printed else [segment_text(segment) for segment in made.segments]
        return "\n".join(lines)


def segment_text(segment: AnomalySegment) -> str:
    """A segment as a line for a terminal.

    Args:
        segment: The segment.
    """
    peak = f"peak {segment.peak:.2f} at {format_time(segment.peak_seconds, 0)}"
    return f"  {format_time(segment.start, 0)} - {format_time(segment.end, 0)}   {peak}   {segment.name}"


def prompt_names(text: str | None, needed: bool = True) -> tuple[str, ...]:
    """Parse the names of a prompt.

    Args:
        text: Names by commas, ``generic``, or a file with one name per line; None = nothing is given.
        needed: Whether the scorer reads them.

    Returns:
        The names; () where nothing is given and nobody reads them.

    Raises:
        UserError: They are needed and not given, there is no such file, or ``benchmark`` is given.
    """
    if text is None:
        if needed:
            raise UserError(
                problem("--names", "not given", 'what is anomalous, by commas ("bicycle, fight"), or generic')
            )
        return ()
    names = parse_prompt_names(text, "--names").names
    if names is None:
        raise UserError(problem("--names benchmark", "this is no benchmark", "names by commas, generic, or a file"))
    return names


def find_inputs(place: str, out: Path, nested: bool) -> list[PredictInput]:
    """Find the sources at a place.

    Args:
        place: A video, a folder of videos, an address, a camera, or "-".
        out: The folder to write to; each video of a folder gets a folder of its own in it.
        nested: Whether a single source also gets a folder of its own.

    Returns:
        The sources, those of a folder sorted by name.

    Raises:
        UserError: There is no such file, or the folder has no video.
    """
    path = Path(place)
    if path.is_dir():
        return _folder_inputs(path, out)
    if path.is_file():
        return [PredictInput(place, out / path.stem if nested else out, _name_and_size(path))]
    if place != "-" and "://" not in place and not path.exists():
        raise UserError(problem(place, "no such file", "a video, a folder, an address (rtsp://...), a camera or -"))
    address = without_secrets(place).partition("://")[2] or place
    name = "".join(char if char.isalnum() else "-" for char in address).strip("-") or "stdin"
    return [PredictInput(place, out / name if nested else out)]


def _folder_inputs(folder: Path, out: Path) -> list[PredictInput]:
    """The videos of a folder. Two that differ in their suffix only keep it in the names of their folders."""
    names = {file.relative_to(folder): file for files in find_videos(folder).values() for file in files}
    if not names:
        raise UserError(problem(folder, "no video in it", "files such as NAME.mp4"))
    stems = [name.with_suffix("") for name in names]
    inputs = []
    for name, file in sorted(names.items()):
        stem = name.with_suffix("")
        inputs.append(PredictInput(str(file), out / (name if stems.count(stem) > 1 else stem), _name_and_size(file)))
    return inputs


def _name_and_size(path: Path) -> tuple[str, int]:
    return path.name, path.stat().st_size


def predict_all(
    scorer: Scorer,
    sources: Sequence[PredictInput],
    names: tuple[str, ...],
    settings: PredictionSettings,
    again: bool,
    bar: Bar,
    ended: Callable[[PredictInput, AnomalySegment], None] | None = None,
) -> list[Outcome]:
    """Predict several sources. An error in one does not stop the others.

    Args:
        scorer: The model.
        sources: The sources.
        names: Names of the prompt.
        settings: The options.
        again: Whether finished predictions are made again.
        bar: Opens a progress bar.
        ended: Called with each segment of a live source as soon as it has ended.

    Returns:
        One outcome per source.

    Raises:
        KeyboardInterrupt: The user stopped the prediction of a file.
    """
    outcomes = []
    for source in sources:
        key = sha256_json([FORMAT, dict(scorer.identity), list(names), asdict(settings), source.file])
        earlier = None if again or source.file is None else finished_prediction(source.out, key)
        if earlier is not None:
            outcomes.append(Outcome(source, earlier, kept=True))
            continue
        try:
            stream = Stream(_standard_input() if source.place == "-" else source.place)
            report = partial(ended, source) if ended and stream.live else _not_reported
            with bar(None, Path(source.shown).name) as advance, StopSignals() as signals:
                prediction = predict(
                    scorer, stream, names, source.out, settings, {"key": key}, advance, report, signals
                )
            outcomes.append(Outcome(source, prediction, printed=report is not _not_reported))
        except DataError as error:
            outcomes.append(Outcome(source, error=str(error)))
            continue
        if (prediction.stopped or signals.stop_requested) and not stream.live:
            raise signals.interrupt()
    return outcomes


def _not_reported(segment: AnomalySegment) -> None:
    """A file's segments are reported at its end."""


def _standard_input() -> BinaryIO:
    return sys.stdin.buffer


def finished_prediction(out: Path, key: str) -> Prediction | None:
    """Read an earlier prediction.

    Args:
        out: Its folder.
        key: Digest of the file, the model, the names and the options.

    Returns:
        The prediction if it was finished with this key, else None.
    """
    try:
        plain = read_json_object(out / RESULT)
        if plain["key"] != key or plain["stopped"]:
            return None
        segments = [AnomalySegment(**segment) for segment in plain["segments"]]
        names = ("source", "frames", "sampled", "seconds", "fps", "every", "broken", "stopped", "lost", "notice")
        return Prediction(**{name: plain[name] for name in names}, segments=segments)
    except (OSError, ValueError, KeyError, TypeError):
        return None
