"""Predict a video without labels: overlay, timeline, scores and segments. Memory does not grow with its length.

    OUT/overlay.mp4     the video with the anomaly outlined and a bar of its probability
    OUT/timeline.png    probability over time, segments, thumbnails of the peaks
    OUT/scores.csv      a line for each sampled frame        OUT/segments.csv    a line for each segment
    OUT/result.json     everything about the prediction, segments included; written last

One frame in `every` is sampled, 8 to a clip; a frame in between has the score of the sampled one before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

from lavida_bench.common.stop_signals import StopSignals
from lavida_bench.prediction.loop import PredictionLoop
from lavida_bench.prediction.overlay import OverlayWriter
from lavida_bench.prediction.pictures import Pictures
from lavida_bench.prediction.prediction import FORMAT, OVERLAY, RESULT, SCORES, TIMELINE, Prediction, PredictionSettings
from lavida_bench.prediction.segments import AnomalySegment, ScoredFrames
from lavida_bench.results.provenance import current_provenance
from lavida_bench.scoring.scorer import Scorer, fitted_on, notice
from lavida_bench.videos.stream import Stream
from lavida_gen.common.atomic_file import partial_path
from lavida_gen.common.json_file import write_json
from lavida_gen.storage.output_folder import make_output_folder

PER_SECOND = 5.0  # frames that are sampled, unless the user chooses
LARGEST_STEP = 32  # most frames from one sampled frame to the next


def predict(
    scorer: Scorer,
    stream: Stream,
    names: tuple[str, ...],
    out: Path,
    settings: PredictionSettings | None = None,
    about: Mapping[str, object] | None = None,
    advance: Callable[[int], None] = lambda frames: None,
    ended: Callable[[AnomalySegment], None] = lambda segment: None,
    signals: StopSignals | None = None,
) -> Prediction:
    """Predict one source to its end, to `settings.seconds`, or to ctrl-C or SIGTERM; everything is written in any case.

    Args:
        scorer: The model.
        stream: The source, closed at the end.
        names: Names of the prompt.
        out: The folder to write to, made where it is missing.
        settings: The options; None = the defaults.
        about: More keys for result.json.
        advance: Called with numbers of frames that are done.
        ended: Called with each segment as soon as it has ended.
        signals: Signals that the caller handles; None = they are handled here.

    Returns:
        The prediction, as result.json holds it.

    Raises:
        DataError: Nothing can be decoded, a score is not finite, or the disk is full.
        KeyboardInterrupt: A second signal came while files were written.
    """
    settings = settings or PredictionSettings()
    every = settings.every or min(LARGEST_STEP, max(1, round(stream.fps / PER_SECOND)))
    prediction = Prediction(stream.name, fps=stream.fps, every=every, notice=notice(scorer))
    make_output_folder(out)
    partial = partial_path(out / SCORES)
    with ExitStack() as stack:
        signals = signals or stack.enter_context(StopSignals())
        stack.callback(stream.close)
        video = None
        if settings.overlay:
            video = stack.enter_context(OverlayWriter(out / OVERLAY, stream.fps, stream.live))
        stack.callback(partial.unlink, missing_ok=True)
        table = stack.enter_context(partial.open("w", encoding="utf-8", newline=""))
        pictures = stack.enter_context(Pictures(video, settings.threshold, prediction.notice))
        loop = PredictionLoop(scorer, names, settings, prediction, table, pictures, ScoredFrames(names), ended)
        loop.run(stream, advance, signals)
        _remove_earlier(out)
        table.flush()
        if video is not None:
            video.finish()
        prediction.broken, prediction.lost = stream.broken, stream.lost
        loop.write_summary(out)
        partial.replace(out / SCORES)
    plain = {
        "format": FORMAT, **(about or {}), **asdict(prediction), "names": list(names), "settings": asdict(settings),
        "model": {"name": scorer.name, **scorer.identity}, "provenance": asdict(current_provenance()),
    }  # fmt: skip
    record = fitted_on(scorer)
    if record is not None:
        plain["fitted_on"] = record.model_dump(mode="json")
    write_json(out / RESULT, plain)
    return prediction


def _remove_earlier(out: Path) -> None:
    """Remove what an earlier prediction wrote and this one may not write."""
    for name in (RESULT, OVERLAY, TIMELINE):  # result.json first: from then on the prediction counts as unfinished
        (out / name).unlink(missing_ok=True)
