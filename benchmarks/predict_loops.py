"""Loops beside which `benchmarks/predict.py` measures `predict`: they decode and run the model, and encode what was drawn."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import islice
from pathlib import Path
from unittest import mock

import av
import cv2
import numpy as np
from av.video.frame import PictureType

from lavida_bench.prediction.overlay import OverlayWriter
from lavida_bench.prediction.predict import LARGEST_STEP, PER_SECOND, predict
from lavida_bench.prediction.prediction import PredictionSettings
from lavida_bench.scoring.lavida_scorer import LavidaScorer
from lavida_bench.videos.stream import Stream

NAMES = ("fighting", "robbery", "fire", "traffic accident")
CLIP, BATCH = 8, 4
Encode = Callable[[int], None]


def draw_video(path: Path, frames: int = 300) -> Path:
    """Write an H.264 video of 960 x 540 at 25 frames a second, with texture and motion."""
    rng = np.random.default_rng(0)
    ground = cv2.resize(rng.integers(0, 255, (68, 120, 3), np.uint8), (960, 540), interpolation=cv2.INTER_CUBIC)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "veryfast", "crf": "23"})
        stream.height, stream.width, stream.pix_fmt = 540, 960, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 25)
        for number in range(frames):
            pixels = ground.copy()
            cv2.circle(pixels, (number * 6 % 960, 270), 80, (200, 40, number % 255), -1)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def clips_of(video: Path, seconds: float, encode: Encode | None) -> Iterator[np.ndarray]:
    """Decode a video, pass on clips of (8, H, W, 3), call `encode` with the number of every picture on the way."""
    with av.open(str(video)) as source:
        stream = source.streams.video[0]
        stream.thread_type = "AUTO"
        rate = stream.average_rate or Fraction(25)
        every = min(LARGEST_STEP, max(1, round(float(rate) / PER_SECOND)))
        sampled: list[np.ndarray] = []
        for number, picture in enumerate(islice(source.decode(stream), math.ceil(seconds * rate))):
            if number % every == 0:
                sampled.append(picture.to_ndarray(format="rgb24"))
                if len(sampled) == CLIP:
                    yield np.stack(sampled)
                    sampled = []
            if encode is not None:
                encode(number)
        if sampled:
            yield np.stack(sampled + sampled[-1:] * (CLIP - len(sampled)))


def loop(scorer: LavidaScorer, video: Path, seconds: float, encode: Encode | None = None) -> list[float]:
    """Decode and score; return the logits of the frames, repeats of the last one too."""
    found: list[float] = []
    clips: list[np.ndarray] = []

    def score() -> None:
        if clips:
            found.extend(scorer.score(scorer.prepare(clips, NAMES))().frames.tolist())
            clips.clear()

    for clip in clips_of(video, seconds, encode):
        clips.append(clip)
        if len(clips) == BATCH:
            score()
    score()
    return found


def drawn_pictures(scorer: LavidaScorer, video: Path, out: Path, seconds: float) -> list[av.VideoFrame]:
    """Predict; the pictures as they went to the encoder, numbered by 25 a second."""
    write, drawn = OverlayWriter.write, list[av.VideoFrame]()

    def kept(self: OverlayWriter, frame: av.VideoFrame, time: float) -> None:
        write(self, frame, time)
        drawn.append(frame)

    with mock.patch.object(OverlayWriter, "write", kept):
        predict(scorer, Stream(video), NAMES, out, PredictionSettings(seconds=seconds))
    return drawn


class Encoder:
    """Encodes drawn pictures into an mp4 file, as an overlay is. Used as a context."""

    def __init__(self, path: Path, pictures: list[av.VideoFrame], options: Mapping[str, str]) -> None:
        self.pictures, self.target = pictures, av.open(str(path), "w")
        self.output = self.target.add_stream("libx264", rate=25, options=dict(options))
        self.output.height, self.output.width, self.output.pix_fmt = pictures[0].height, pictures[0].width, "yuv420p"

    def __enter__(self) -> Encoder:
        return self

    def __exit__(self, *error: object) -> None:
        self.target.mux(self.output.encode())
        self.target.close()

    def write(self, number: int) -> None:
        """Encode one of the pictures."""
        picture = self.pictures[number]
        picture.pts, picture.time_base, picture.pict_type = number, Fraction(1, 25), PictureType.NONE
        self.target.mux(self.output.encode(picture))
